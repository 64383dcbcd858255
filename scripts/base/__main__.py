"""Makes `@base`, the model that runs begin from, and puts it with its card into the package.

    python benchmarks/texts.py TEXTS
    python -m scripts.base NOVELS TEXTS SHAKESPEARE [--into build/base] [--to FILE] [--units 768] [--steps 6000]
        [--late 1800] [--seed 0]

NOVELS is the folder of novels. TEXTS, the folder that benchmarks/texts.py makes, and SHAKESPEARE, Tiny Shakespeare, are
what results are reported on: what has a run of fifty characters in common with them is left out. First the whole mix is
learned from at one rate, then, from the mean of those weights, a last part of it at a falling rate. Both are runs of
`understudy train`, so that a script that was stopped goes on where it was; with the same steps on as many threads the
model has the same bytes.
"""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from shared_runs import Runs

from scripts.base.mixing import HELD_BACK, gathered
from scripts.base.sources import LEFT_OUT, sources
from understudy.cli.main import main as understudy
from understudy.evaluation.protocols import streamed, windowed
from understudy.model import file
from understudy.model.parameters import network_of
from understudy.text.encoded import Ids

TARGET = file.BOX / "base.safetensors"
SHAPE = ("--batch-size", "64", "--sequence-length", "128", "--dropout", "0", "--ngrams", "0")
EARLY = ("--schedule", "constant", "--learning-rate", "0.016", "--weight-decay", "0.1", "--average", "0.995")
LATE = ("--learning-rate", "0.012", "--weight-decay", "0.1", "--fresh", "0.25")
WARM = 120
"""Steps in which the first rate rises from zero, however many there are."""
LOOKED_AT, MUCH_LOOKED_AT = 15_000, 40_000
"""So many characters of each kind are looked at while the model learns; of novels, more."""
LIMITS = (
    "It is a beginning for other texts, not a writer: it means nothing by what it writes. It has read little that is "
    "younger than a hundred years but for program text and documentation, and has the prejudices of what it has read. "
    "It knows 255 characters: Latin, Greek and Cyrillic letters, no other script."
)


def size_of(path: Path) -> int:
    """How many bytes a file has."""
    return path.stat().st_size


def gather(parsed: argparse.Namespace) -> list[str]:
    """Write the texts of the mix, where they are not there yet; an account of the sources."""
    into: Path = parsed.into
    account = into / "account.txt"
    if not account.exists():
        largest = {path.stem.split("-")[0]: path for path in sorted(parsed.texts.glob("*-*.txt"), key=size_of)}
        judged = [parsed.shakespeare, *largest.values()]  # the smaller ones of a kind are their beginnings
        packages = into / "packages"
        (into / "held").mkdir(parents=True, exist_ok=True)
        packages.mkdir(exist_ok=True)
        searched = Runs(path.read_text(encoding="utf-8") for path in judged)
        mix = gathered(sources(parsed.novels), packages, searched)
        texts = {"mix": mix.early, "late": mix.late, **{f"held/{kind}": text for kind, text in mix.held.items()}}
        looked_at = {kind: text[: MUCH_LOOKED_AT if kind == "novels" else LOOKED_AT] for kind, text in mix.held.items()}
        texts["held"] = "".join(looked_at[kind] for kind in sorted(looked_at))
        for name, text in texts.items():
            (into / f"{name}.txt").write_text(text, encoding="utf-8", newline="")
        account.write_text("\n".join(mix.account), encoding="utf-8")
    return account.read_text(encoding="utf-8").splitlines()


def learn(into: Path, text: str, out: str, *flags: str) -> str:
    """Begin or go on with a run; its command, which does not tell where the folder lies."""
    folder = str(into / out)
    command = ["train", str(into / text), "--validation", str(into / "held.txt"), *flags, "--out", folder]
    goes_on = (into / out / "checkpoint").exists()
    if understudy(["train", "--out", folder, "--resume"] if goes_on else command):
        sys.exit("it goes on from there when this script is run again")
    return shlex.join(["understudy", *(word.replace(str(into), "build/base") for word in command)])


def losses(model: file.ModelFile, held: Path) -> str:
    """How well the model predicts what was held back of each kind."""
    network, said = network_of(model), []
    for path in sorted(held.glob("*.txt")):
        ids = Ids(model.vocabulary.encode(path.read_text(encoding="utf-8"), unknown="skip"))
        scores = windowed(network, ids).loss, streamed(network, ids).loss
        said.append(f"{path.stem} {scores[0]:.3f} and {scores[1]:.3f}")
    return ", ".join(said)


def main() -> None:
    """Gather, learn, score, pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("novels", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("shakespeare", type=Path)
    parser.add_argument("--into", type=Path, default=Path("build/base"))
    parser.add_argument("--to", type=Path, default=TARGET, help="the model file; in the package unless named")
    parser.add_argument("--units", type=int, default=768)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--late", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    account = gather(parsed)
    shape = ("--units", str(parsed.units), *SHAPE)
    seed, begun = ("--seed", str(parsed.seed)), str(parsed.into / "early")
    first = ("--warmup", str(min(0.5, WARM / parsed.steps)), "--fresh", "0.1", "--evaluate-every", "400")
    early = learn(parsed.into, "mix.txt", "early", *shape, *EARLY, *first, "--steps", str(parsed.steps), *seed)
    last = ("--evaluate-every", str(max(1, parsed.late // 2)), "--from", begun)
    late = learn(parsed.into, "late.txt", "run", *shape, *LATE, *last, "--steps", str(parsed.late), *seed)
    made = file.read(parsed.into / "run")
    told = {"name": "mix", "steps": parsed.steps}
    replace(made, training={**made.training, "origin": told}).write(parsed.to, half=True)
    packed = file.read(parsed.to)  # as it will be read, its weights rounded
    left_out = "; ".join(f"{author} {why}" for author, why in LEFT_OUT.items())
    card = {
        "Data": f"{'; '.join(account)}. Nothing by Shakespeare, no text of benchmarks/texts.py and none of their "
        f"authors; lines with fifty characters in common with one were left out. Novelists left out: {left_out}.",
        "Command": f"{early}; then {late}",
        "Loss": f"nats a character, in windows of 256 and streamed, on what was held back, a piece of {HELD_BACK}: "
        f"{losses(packed, parsed.into / 'held')}; with the weights in this file (float16).",
        "Limits": LIMITS,
        "Licence": "The weights may be used, changed and passed on as Understudy itself. The texts are free: in the "
        "public domain, or under BSD, MIT, ISC, GPL and LGPL licences; none of them is in this file.",
    }
    replace(packed, card=card).write(parsed.to, half=True)
    print(f"{parsed.to}: {parsed.to.stat().st_size:,} bytes")
    understudy(["info", str(parsed.to)])


if __name__ == "__main__":
    main()
