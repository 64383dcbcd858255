"""Training beside other programs: how much of its speed is left to it, and whether it still ends in time.

    python benchmarks/sharing.py TEXT [--minutes 0.5] [--rounds 3] [--units 384] [--as avx2]

TEXT is learned from nothing by a model of that many units, alone; beside a program that keeps one core busy; beside one
that keeps all of them busy; and beside another such training. All take turns, round by round. Speeds are characters a
second of the run's own figures, as a share of the round's run alone: the median over rounds, with the smallest and the
largest; "ended after" is the whole command's time beside what `--minutes` asked for. Ends with status 1 where less than
0.45 is left beside one busy core, less than 0.4 to one of two trainings, or a command is over its time by more than 5%.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from commands import understudy
from processors import add_as, begin_as
from training_speed import spread

BUSY = "while True: pass"
HEAVY = "import torch\na = torch.ones(1024, 1024)\nwhile True: a @ a"
WANTED = {"beside one busy core": 0.45, "beside another training": 0.4}


@contextmanager
def running(program: str | None) -> Iterator[None]:
    """A program in Python that runs meanwhile."""
    if program is None:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        time.sleep(3)
        try:
            yield
        finally:
            process.kill()


def trained(text: Path, minutes: float, units: int, folder: Path) -> tuple[float, float]:
    """Characters a second of a training, and the command's seconds."""
    began = time.perf_counter()
    found = understudy(
        "train", text, "--from", "none", "--minutes", minutes, "--units", units, "--out", folder, "--quiet"
    )
    return found["characters_per_second"], time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, default=384)
    add_as(parser)
    parsed = parser.parse_args()
    begin_as(parsed.processor)
    others = {"alone": None, "beside one busy core": BUSY, "beside a busy program on all cores": HEAVY}
    speeds: dict[str, list[float]] = {}
    ends: dict[str, list[float]] = {}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(parsed.rounds):
            for name, program in others.items():
                with running(program):
                    speed, seconds = trained(parsed.text, parsed.minutes, parsed.units, place / f"{number} {name}")
                speeds.setdefault(name, []).append(speed)
                ends.setdefault(name, []).append(seconds / 60 / parsed.minutes)
            with ThreadPoolExecutor(2) as pool:
                both = [
                    pool.submit(trained, parsed.text, parsed.minutes, parsed.units, place / f"{number} {which}")
                    for which in ("first", "second")
                ]
            found = [one.result() for one in both]
            speeds.setdefault("beside another training", []).append(min(speed for speed, _ in found))
            ends.setdefault("beside another training", []).append(max(end for _, end in found) / 60 / parsed.minutes)
    print("| training | characters a second | of the speed alone | ended after, of the time asked for |")
    print("|---|---|---|---|")
    missed = []
    for name, values in speeds.items():
        shares = [value / alone for value, alone in zip(values, speeds["alone"], strict=True)]
        print(f"| {name} | {median(values):,.0f} | {spread(shares)} | {spread(ends[name])} |")
        if median(shares) < WANTED.get(name, 0) or median(ends[name]) > 1.05:
            missed.append(name)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
