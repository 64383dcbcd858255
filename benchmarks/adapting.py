"""Going on from a model against training anew: the same seconds, on new texts of several sizes.

    python benchmarks/adapting.py OLD NEW [--old-seconds 60] [--seconds 20] [--sizes 5000 20000 100000] [-- FLAGS]

A model learns OLD; then, of NEW, the first so many characters are learned with `train --from` and anew, and both models
are scored on the 50,000 characters after the largest size, which neither has seen. FLAGS go to `train --from`.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from commands import understudy

HELD = 50_000


def main() -> None:
    """Print the table."""
    ours, flags = sys.argv[1:], []
    if "--" in ours:
        ours, flags = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--model", type=Path, help="a run on OLD, in place of training one")
    parser.add_argument("--old-seconds", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 20_000, 100_000])
    parser.add_argument("--only-from", action="store_true", help="do not train anew")
    parsed = parser.parse_args(ours)
    new = parsed.new.read_text(encoding="utf-8")
    most = max(parsed.sizes)
    with tempfile.TemporaryDirectory() as folder:
        place, model = Path(folder), parsed.model
        if model is None:
            model = place / "old"
            understudy("train", parsed.old, "--minutes", parsed.old_seconds / 60, "--from", "none", "--out", model)
        held = place / "held.txt"
        held.write_text(new[most : most + HELD], encoding="utf-8")

        def run(name: str, *more: object) -> dict[str, Any]:
            out, text = place / name, place / f"{size}.txt"
            text.write_text(new[:size], encoding="utf-8")
            understudy("train", text, "--minutes", parsed.seconds / 60, "--out", out, "--quiet", *more)
            return understudy("evaluate", out, held, "--no-baselines")

        print("| characters | going on | unknown | anew | unknown |\n|---|---|---|---|---|")
        for size in parsed.sizes:
            going = run(f"from-{size}", "--from", model, *flags)
            cells = [f"{size:,}", f"{going['loss']:.4f}", str(going["unknown_characters"])]
            if not parsed.only_from:
                anew = run(f"anew-{size}", "--from", "none")
                cells += [f"{anew['loss']:.4f}", str(anew["unknown_characters"])]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
