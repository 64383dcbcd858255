"""PPMd beside xz and counting on the texts of texts.py, and beside what kinds.py measured of our models.

    python benchmarks/texts.py FOLDER
    python benchmarks/ppmd.py FOLDER [--beside benchmarks/measured/kinds.jsonl] [--texts verse-20kb ...]

Known is a text's first nine tenths; bits a character are those of its last tenth. PPMd and xz go on learning from what
they have read of it, counting does not; of our models, one that learns on (dynamic evaluation) is their equal. Variant
I is what `understudy evaluate` shows; H, with the same memory, is there to choose between the two. Needs
pyppmd: pip install 'understudy[ppmd]'.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from pyppmd import Ppmd7Encoder

from understudy.evaluation.baselines import compressed, kneser_ney
from understudy.evaluation.ppmd import ORDER, memory_for, predicted, size_by
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary

HEADINGS = ("PPMd", "PPMd, variant H", "xz", "counting", "auto", "auto, learning on")


def variant_h(known: str, text: str) -> float:
    """The bits that PPMd's variant H adds for a text to what it takes for the known one."""
    pieces = [known.encode(), text.encode()]
    memory = memory_for(sum(map(len, pieces)))
    both, before = (size_by(Ppmd7Encoder(ORDER, memory), given) for given in (pieces, pieces[:1]))
    return 8.0 * (both - before)


def row(path: Path, ours: dict[str, Any] | None) -> str:
    """A text's line of the table."""
    whole = path.read_text(encoding="utf-8")
    cut = int(0.9 * len(whole))
    vocabulary = Vocabulary.of_text(whole)
    ids = Ids(vocabulary.encode(whole))
    known, text = ids[:cut], ids[cut:]
    bits = [
        predicted(known, text, vocabulary).bits / len(text),
        variant_h(whole[:cut], whole[cut:]) / len(text),
        compressed(known, text, vocabulary).bits / len(text),
        kneser_ney(known, text, len(vocabulary)) / math.log(2),
        *((ours["bits"], ours.get("dynamic_bits")) if ours else (None, None)),
    ]
    return " | ".join([f"| {path.stem}", *(f"{each:.3f}" if each is not None else "" for each in bits)]) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--beside", type=Path, default=Path(__file__).parent / "measured" / "kinds.jsonl")
    parser.add_argument("--texts", nargs="+")
    parsed = parser.parse_args()
    lines = map(json.loads, parsed.beside.read_text(encoding="utf-8").splitlines())
    auto = {entry["text"]: entry for entry in lines if entry["contestant"] == "auto" and entry["seed"] == 0}
    print(f"| text | {' | '.join(HEADINGS)} |\n" + "|---" * (1 + len(HEADINGS)) + "|")
    for name in parsed.texts or sorted(path.stem for path in parsed.folder.glob("*-*.txt")):
        print(row(parsed.folder / f"{name}.txt", auto.get(name)), flush=True)


if __name__ == "__main__":
    main()
