"""Texts of many kinds and sizes: the automatic recipe against fixed settings, nanoGPT's recipe and counting models.

    python benchmarks/texts.py FOLDER
    python benchmarks/kinds.py FOLDER --into kinds.jsonl [--seconds 120] [--texts verse-20kb ...] [--only auto ...]

For every text: `understudy train` as it is; the same with each of three sizes times two shares of dropout fixed;
nanoGPT's recipe for a CPU (benchmarks/nanogpt.py) for as long as the automatic run took, and half a minute at least; xz
and counting six characters, and PPMd where pyppmd is installed. Judged on the text's last tenth, by the best look of
each. xz and PPMd go on learning from what they have read of that tenth; where one is ahead, the model is let learn on
as well (dynamic evaluation). Every run appends a line to the file, and is not done again; lines from before PPMd came
are shown without it.
"""

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import held_back, understudy, windows_of_64

GRID = {f"{units} units, dropout {share}": (units, share) for units in (128, 256, 512) for share in (0.0, 0.3)}
CONTESTANTS = ("auto", *GRID, "nanoGPT")
LEAST_SECONDS = 30.0


def ours(text: Path, seconds: float, flags: list[str], *, baselines: bool) -> dict[str, Any]:
    """One run of the command, and how its model does in windows of 64, and in bits, streamed, on the text's end."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        began = time.perf_counter()
        found = understudy("train", text, "--minutes", seconds / 60, "--from", "none", *flags, "--out", run, "--quiet")
        taken = time.perf_counter() - began
        kept = ("steps", "epochs", "train_loss", "validation_loss", "validation_loss_streamed", "parameters")
        result = {name: found[name] for name in kept} | {"loss": windows_of_64(run, text), "seconds_taken": taken}
        held = held_back(text, Path(folder))
        beside = understudy("evaluate", run, held, *([] if baselines else ["--no-baselines"]))
        result |= {"bits": beside["bits_per_character"]}
        if baselines:
            result |= {"baselines": beside["baselines"]}
            learners = (beside["baselines"]["xz"], beside["baselines"]["ppmd"])
            if any(bits is not None and bits < result["bits"] for bits in learners):
                learning = understudy("evaluate", run, held, "--no-baselines", "--dynamic")["dynamic"]
                result |= {"dynamic_bits": learning["bits_per_character"]}
    return result


def result_of(contestant: str, text: Path, seconds: float, seed: int) -> dict[str, Any]:
    """One contestant's figures on one text."""
    if contestant == "nanoGPT":
        from nanogpt import trained

        found: dict[str, Any] = dict(trained(text.read_text(encoding="utf-8"), seconds, seed))
        return found | {"seconds_taken": seconds}
    flags = ["--seed", str(seed)]
    if contestant != "auto":
        units, share = GRID[contestant]
        flags += ["--units", str(units), "--dropout", str(share)]
    return ours(text, seconds, flags, baselines=contestant == "auto")


def streamed(entry: dict[str, Any]) -> float:
    """Nats on all of the held-back text; lines without bits are of texts that the run itself looked at wholly."""
    return float(entry["bits"] * math.log(2) if "bits" in entry else entry["validation_loss_streamed"])


def row(name: str, found: dict[str, dict[str, Any]]) -> str:
    """A text's line of the table."""
    auto, peer = found.get("auto"), found.get("nanoGPT")
    cells = [name]
    cells += [f"{auto['seconds_taken']:.0f}", f"{auto['loss']:.4f}"] if auto else ["", ""]
    cells += [f"{peer['loss']:.4f}"] if peer else [""]
    fixed = {contestant: found[contestant] for contestant in GRID if contestant in found}
    if auto and fixed:
        best = min(fixed, key=lambda contestant: streamed(fixed[contestant]))
        cells += [f"{streamed(auto):.4f}"]
        cells += [f"{streamed(fixed[best]):.4f} ({best}{'' if len(fixed) == len(GRID) else ', so far'})"]
    else:
        cells += [f"{streamed(auto):.4f}" if auto else "", ""]
    if auto:
        scale, learning = auto["baselines"], auto.get("dynamic_bits")
        cells += [f"{auto['bits']:.3f}", f"{learning:.3f}" if learning else ""]
        ppmd = scale.get("ppmd")
        cells += [f"{scale['xz']:.3f}", f"{ppmd:.3f}" if ppmd is not None else "", f"{scale['kneser_ney_6']:.3f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Do the runs that are not done, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--texts", nargs="+")
    parser.add_argument("--only", nargs="*", default=CONTESTANTS, help="contestants; none: print what is there")
    parsed = parser.parse_args()
    names = parsed.texts or sorted(path.stem for path in parsed.folder.glob("*-*.txt"))
    lines = parsed.into.read_text().splitlines() if parsed.into.exists() else []
    done = [json.loads(line) for line in lines]
    print(
        "| text | seconds | auto, windows of 64 | nanoGPT's recipe | auto, streamed | best fixed setting, streamed |",
        end="",
    )
    print(" auto, bits | learning on, bits | xz, bits | PPMd, bits | counting, bits |\n" + "|---" * 11 + "|")
    for name in names:
        found: dict[str, dict[str, Any]] = {}
        for contestant in CONTESTANTS:
            key = {"text": name, "contestant": contestant, "seconds": parsed.seconds, "seed": parsed.seed}
            result = next((entry for entry in done if entry.items() >= key.items()), None)
            if result is None and contestant in parsed.only:
                path = parsed.folder / f"{name}.txt"
                taken = (
                    max(LEAST_SECONDS, found["auto"]["seconds_taken"]) if contestant == "nanoGPT" else parsed.seconds
                )
                result = key | result_of(contestant, path, taken, parsed.seed)
                with parsed.into.open("a") as file:
                    print(json.dumps(result), file=file)
            if result is not None:
                found[contestant] = result
        print(row(name, found), flush=True)


if __name__ == "__main__":
    main()
