"""Each ingredient of the recipe against the rest, at equal time or equal steps, on a slice of the training text.

    python benchmarks/recipe_search.py TEXT --seconds 60 --seeds 3 --into search.jsonl [--only "NAME" ...] [-- FLAGS]

Of TEXT the first nine tenths are used, and of those the last tenth is what every trial is judged by: the text that
results are reported on is not looked at. FLAGS are given to every trial, "as it is" included. Every trial is a process
of its own and appends a line to the file; trials that are there are not done again, so that a search can be stopped and
goes on. What is not in the package is put into it by this script, below.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from commands import streamed, understudy, windows_of_64
from torch.nn import functional as F

SETTINGS: dict[str, list[str]] = {
    "as it is": [],
    "AdamW alone": ["--optimizer", "adamw", "--learning-rate", "6e-3"],
    "GRU": ["--cell", "gru"],
    "two layers": ["--layers", "2"],
    "16 lanes": ["--batch-size", "16"],
    "64 lanes": ["--batch-size", "64"],
    "sequences of 32": ["--sequence-length", "32"],
    "sequences of 128": ["--sequence-length", "128"],
    **{f"rate {rate}": ["--learning-rate", rate] for rate in ("8e-3", "12e-3", "16e-3", "24e-3", "36e-3", "48e-3")},
    "constant rate": ["--schedule", "constant"],
    "no warm-up": ["--warmup", "0"],
    "no weight decay": ["--weight-decay", "0"],
    **{f"weight decay {decay}": ["--weight-decay", decay] for decay in ("0.1", "0.2", "0.3", "0.6", "1.0")},
    "no clipping": ["--clip", "0"],
    "embedding 64": ["--embedding", "64"],
    **{f"average {memory}": ["--average", memory] for memory in ("0.95", "0.98", "0.99", "0.995")},
    **{f"momentum {memory}": ["--momentum", memory] for memory in ("0.9", "0.93", "0.97")},
    **{f"states zeroed, {share}%": ["--fresh", str(share / 100)] for share in (0, 2, 10, 25, 50)},
    "no n-grams": ["--ngrams", "0"],
    "n-grams": ["--ngrams", "131071"],
    "a quarter of the n-grams": ["--ngrams", "32749"],
    "four times the n-grams": ["--ngrams", "524287"],
    "no temperature": ["--calibration", "none"],
    "float32": ["--precision", "float32"],
    "128 units": ["--units", "128"],
    "192 units": ["--units", "192"],
    "256 units": ["--units", "256"],
    "384 units": ["--units", "384"],
    "512 units": ["--units", "512"],
    "640 units": ["--units", "640"],
    "768 units": ["--units", "768"],
    "no dropout": ["--dropout", "0"],
    "dropout 0.15": ["--dropout", "0.15"],
    "dropout 0.3": ["--dropout", "0.3"],
    "dropout 0.4": ["--dropout", "0.4"],
    "dropout 0.5": ["--dropout", "0.5"],
    "dropout 0.6": ["--dropout", "0.6"],
}


def weight_drop(share: float) -> None:
    """Zero a share of the recurrent matrix while a sequence is learned from (Merity et al. 2017)."""
    from understudy.model.network import Layer

    plain: Any = Layer.weights.fget  # type: ignore[attr-defined]

    def weights(layer: Layer) -> Any:
        found = plain(layer)
        if not torch.is_grad_enabled():
            return found
        return found._replace(weight_hh=F.dropout(found.weight_hh, share))

    Layer.weights = property(weights)  # type: ignore[method-assign, assignment]


def one_mask() -> None:
    """Dropout with one mask for all steps of a sequence (Gal and Ghahramani 2016)."""
    from understudy.model.chance import uniform
    from understudy.model.network import Dropout

    def dropped(self: Dropout, x: torch.Tensor) -> torch.Tensor:
        kept = 1 - self.probability
        mask = (uniform(self.words(x[0].numel())) < kept).view(x.shape[1:]).to(x.dtype)
        return x * mask.div_(kept)

    Dropout.__call__ = dropped  # type: ignore[method-assign]


def label_smoothing(share: float) -> None:
    """Learn from targets of which a share is spread over all symbols."""
    from understudy.model.network import Network

    def loss(self: Network, ids: Any, targets: torch.Tensor, state: Any, dropout: Any = None) -> Any:
        logits, after = self(ids, state, dropout)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=share), after

    Network.loss = loss  # type: ignore[method-assign]


def noise(share: float) -> None:
    """Replace a share of the characters that are read, not those to be predicted, by others of the batch (Xie 2017)."""
    from understudy.model.network import Network

    plain: Any = Network.loss

    def loss(self: Network, ids: torch.Tensor, targets: Any, state: Any, dropout: Any = None) -> Any:
        others = ids.flatten()[torch.randperm(ids.numel())].view_as(ids)
        return plain(self, torch.where(torch.rand(ids.shape) < share, others, ids), targets, state, dropout)

    Network.loss = loss  # type: ignore[method-assign]


def uniform_start() -> None:
    """Start the recurrent matrices as PyTorch does, not orthogonal."""
    from understudy.runs import beginning

    plain: Any = vars(beginning)["initialize"]

    def initialize(network: Any, how: Any, seed: int) -> None:
        plain(network, how, seed)
        with torch.no_grad():
            for layer in network.layers:
                torch.nn.init.uniform_(
                    layer.weight_hh, -(layer.weight_hh.shape[1] ** -0.5), layer.weight_hh.shape[1] ** -0.5
                )

    setattr(beginning, "initialize", initialize)  # noqa: B010 - a module's own name


def ngrams(rate: float | None = None, **constants: Any) -> None:
    """Other constants of the table of n-grams; before the modules that take them are loaded."""
    from understudy.model import config

    for name, value in constants.items():
        setattr(config, name, value)
    if rate is not None:
        from understudy.training import optimizer

        setattr(optimizer, "_NGRAM_RATE", rate)  # noqa: B010 - a module's own name


PATCHES: dict[str, Callable[[], None]] = {
    "weight drop 0.2": partial(weight_drop, 0.2),
    "weight drop 0.5": partial(weight_drop, 0.5),
    "one mask a sequence": one_mask,
    "label smoothing 0.05": partial(label_smoothing, 0.05),
    "3% of characters replaced": partial(noise, 0.03),
    "10% of characters replaced": partial(noise, 0.1),
    "uniform start": uniform_start,
    "n-grams of 64 numbers": partial(ngrams, NGRAM_WIDTH=64),
    "n-grams of 2 to 6": partial(ngrams, NGRAM_LENGTHS=(2, 3, 4, 5, 6), RECENT=5),
    "n-grams of 2 to 8": partial(ngrams, NGRAM_LENGTHS=(2, 3, 4, 5, 6, 7, 8)),
    "n-grams at half the rate": partial(ngrams, rate=1.25),
}


def one(name: str, arguments: list[str]) -> None:
    """Run the command with the ingredients of that name, joined by " + ", put in."""
    for part in name.split(" + "):
        if part in PATCHES:
            PATCHES[part]()
        elif arguments[0] == "train":
            arguments = [*arguments, *SETTINGS[part]]
    from understudy.cli.main import main as command

    sys.exit(command(arguments))


def trial(text: Path, name: str, seed: int, flags: list[str]) -> dict[str, Any]:
    """One trial in a process of its own; what `train --json` prints."""
    program = [sys.executable, __file__, "--one", name, "--"]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        begun = () if "--from" in flags else ("--from", "none")
        found = understudy("train", text, "--seed", seed, "--out", run, *begun, *flags, "--quiet", program=program)
        judged = {"windows_of_64": windows_of_64(run, text, program), "streamed": streamed(run, text, program)}
        return found | judged


def main() -> None:
    """Do the trials that are not done, and print the table."""
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[4:])
    ours, flags = sys.argv[1:], []
    if "--" in ours:
        ours, flags = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--characters", type=int, help="use only so many of the slice")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--steps", type=int, help="trials of equal steps in place of equal time")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--into", type=Path, required=True, help="a file of JSON lines that is added to")
    parser.add_argument("--only", nargs="+", default=[*SETTINGS, *PATCHES])
    parsed = parser.parse_args(ours)
    long = ["--steps", str(parsed.steps)] if parsed.steps else ["--minutes", str(parsed.seconds / 60)]
    flags = [*long, *flags]
    whole = parsed.text.read_text(encoding="utf-8")
    part = whole[: int(0.9 * len(whole))][: parsed.characters]
    done = [json.loads(line) for line in parsed.into.read_text().splitlines()] if parsed.into.exists() else []
    print("| ingredient | steps | seconds | train | windowed 64 | streamed |\n" + "|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "slice.txt")
        text.write_text(part, encoding="utf-8")
        for name in parsed.only:
            found = []
            for seed in range(parsed.seeds):
                key = {"name": name, "characters": len(part), "seed": seed, "flags": flags}
                result = next((entry for entry in done if entry.items() >= key.items() and "streamed" in entry), None)
                if result is None:
                    result = key | trial(text, name, seed, flags)
                    with parsed.into.open("a") as lines:
                        print(json.dumps(result), file=lines)
                found.append(result)
            judged = ("train_loss", "windows_of_64", "streamed")
            middle = [median(entry[loss] for entry in found) for loss in judged]
            steps = ", ".join(f"{entry['steps']:,}" for entry in found)
            seconds = median(entry["seconds"] for entry in found)
            print(
                f"| {name} | {steps} | {seconds:.0f} | " + " | ".join(f"{loss:.4f}" for loss in middle) + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
