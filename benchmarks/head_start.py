"""The head start: `understudy train` beginning as it finds best, and from nothing, in equal time on the same texts.

    python benchmarks/head_start.py TEXT ... --into head_start.jsonl [--seconds 120] [--seeds 3] [--written 20000]
        [--mix build/base/mix.txt] [--print-only] [--as avx2]

Each run is the command as users give it, with nothing but the time and the seed, and for the second column
`--from none`; the last tenth of the text is held back, and all of it is scored when the run has ended (a run itself
looks at as much of it as there is time for). Beside the losses: what the first column began from; how long it takes to
find out how well the base and counting predict the text, which is done once more for that; and how much of so many
characters that each model writes stands word for word, in runs of fifty characters, in the text that it learned, and in
what the base learned, where --mix names it. Every run appends a line to the file, and is not done again. A second
program on the machine spoils the runs: their threads wait for each other at every step.
"""

import argparse
import json
import tempfile
import time
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from commands import understudy
from processors import add_as, begin_as
from shared_runs import Runs

from understudy.api import load
from understudy.evaluation.protocols import streamed, windowed
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of
from understudy.runs.head_start import BASE, promised
from understudy.runs.material import TextOptions, prepare
from understudy.training.machine import matrix_rate, settled
from understudy.training.recipe import Recipe

COLUMNS = {"auto": (), "nothing": ("--from", "none")}


@cache
def runs_of(share: float, *paths: Path) -> Runs:
    """The runs of fifty characters in the first share of each of some texts."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return Runs(text[: int(share * len(text))] for text in texts)


def choosing(text: Path) -> float:
    """The seconds that it takes to find out how well the base, and counting, predict the text."""
    material = prepare(TextOptions((str(text),)), 0.1)
    began = time.perf_counter()
    promised(file.read(BASE), material)
    return time.perf_counter() - began


def losses(model: ModelFile, text: Path) -> dict[str, float]:
    """Nats a character of all that was held back: a run itself looks at as much of it as there is time for."""
    held = prepare(TextOptions((str(text),)), 0.1, model.vocabulary).validation
    assert held is not None, "a tenth is held back"
    network = network_of(model)
    return {"windowed": windowed(network, held).loss, "streamed": streamed(network, held).loss}


def trained(text: Path, seconds: float, seed: int, column: str, written: int, mix: tuple[Path, ...]) -> dict[str, Any]:
    """One run's figures."""
    rate = matrix_rate(settled(Recipe(precision="auto", device="cpu")))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        began = time.perf_counter()
        flags = ("--minutes", seconds / 60, "--seed", seed, *COLUMNS[column])
        found = understudy("train", text, *flags, "--out", run, "--quiet")
        result = {name: found[name] for name in ("steps", "epochs", "train_loss", "parameters")}
        result |= {"taken": time.perf_counter() - began, "rate": rate, **losses(file.read(run), text)}
        if column == "auto":
            result["choosing"] = choosing(text)
        result["began_from"] = (file.read(run).training.get("origin") or {}).get("model", "nothing")
        if written:
            page = load(run).generate(length=written, seed=seed)
            result["verbatim"] = float(runs_of(0.9, text).covers(page).mean())
            if mix:
                result["verbatim_base"] = float(runs_of(1.0, *mix).covers(page).mean())
    return result


def middle(runs: list[dict[str, Any]], name: str, form: str = ".4f") -> str:
    """The median of a figure over the seeds, with the smallest and the largest where there are several."""
    values = [run[name] for run in runs if name in run]
    if not values:
        return ""
    spread = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{spread}"


def row(name: str, seconds: float, runs: dict[str, list[dict[str, Any]]]) -> str:
    """A line of the table."""
    auto, nothing = runs["auto"], runs["nothing"]
    began = sorted({run["began_from"] for run in auto})
    better = median(run["windowed"] for run in nothing) - median(run["windowed"] for run in auto)
    cells = [
        name,
        f"{seconds:g}",
        " / ".join(began),
        middle(auto, "windowed"),
        middle(nothing, "windowed"),
    ]
    cells += [f"{better:+.4f}", middle(auto, "streamed"), middle(nothing, "streamed")]
    cells += [middle(auto, "taken", ".0f"), middle(nothing, "taken", ".0f")]
    cells.append(middle(auto, "choosing", ".2f"))
    cells += [middle(auto, "verbatim", ".2%"), middle(nothing, "verbatim", ".2%"), middle(auto, "verbatim_base", ".2%")]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Do the runs that are not done, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seconds", type=float, nargs="+", default=[120])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--written", type=int, default=20_000)
    parser.add_argument("--mix", type=Path, nargs="+", default=[])
    parser.add_argument("--print-only", action="store_true")
    add_as(parser)
    parsed = parser.parse_args()
    begin_as(parsed.processor)
    done = [json.loads(line) for line in parsed.into.read_text().splitlines()] if parsed.into.exists() else []
    print(
        "| text | seconds | auto began from | auto, windowed 256 | from nothing, windowed 256 | better by |"
        " auto, streamed | from nothing, streamed | auto took, s | from nothing took, s |"
        " the choice, s | auto, word for word | from nothing, word for word | auto, the base's word for word |\n"
        + "|---" * 14
        + "|"
    )
    for text in parsed.texts:
        for seconds in parsed.seconds:
            found: dict[str, list[dict[str, Any]]] = {column: [] for column in COLUMNS}
            for seed in range(parsed.seeds):
                for column, runs in found.items():
                    key = {"text": text.stem, "seconds": seconds, "seed": seed, "column": column}
                    run = next((entry for entry in done if entry.items() >= key.items()), None)
                    if run is None and not parsed.print_only:
                        run = key | trained(text, seconds, seed, column, parsed.written, tuple(parsed.mix))
                        with parsed.into.open("a") as lines:
                            print(json.dumps(run), file=lines)
                    if run is not None:
                        runs.append(run)
            if all(found.values()):
                print(row(text.stem, seconds, found), flush=True)


if __name__ == "__main__":
    main()
