"""Scoring against evaluating: `understudy score` and `understudy evaluate` on the same text, one after the other.

    python benchmarks/score_speed.py MODEL TEXT [--rounds 3] [--no-copies 30]

Whole processes, as users start them, their memory too; medians. And how much slower a model writes that must not copy
its text, where MODEL tells which one that was: --no-copies N.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

PROGRAM = (sys.executable, "-m", "understudy")


def timed(*arguments: str) -> tuple[float, str]:
    """How long a command takes, and what it prints."""
    began = time.perf_counter()
    out = subprocess.run((*PROGRAM, *arguments), capture_output=True, text=True, check=True).stdout
    return time.perf_counter() - began, out


def written(*arguments: str) -> float:
    """Characters a second, without the program's start."""
    return float(json.loads(timed("generate", *arguments, "--json")[1])["characters_per_second"])


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-copies", type=int, metavar="N")
    parsed = parser.parse_args()
    commands = {
        "evaluate": ("evaluate", parsed.model, str(parsed.text), "--no-baselines"),
        "score": ("score", parsed.model, str(parsed.text)),
        "score --precision int8": ("score", parsed.model, str(parsed.text), "--precision", "int8"),
        "score --fresh": ("score", parsed.model, str(parsed.text), "--fresh"),
        "score --json": ("score", parsed.model, str(parsed.text), "--json"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(parsed.rounds):
        for name, command in commands.items():
            seconds[name].append(timed(*command)[0])
    print("| command | seconds | against evaluate |\n|---|---|---|")
    for name, found in seconds.items():
        print(f"| {name} | {median(found):.2f} | {median(found) / median(seconds['evaluate']):.2f} |")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nthe largest of these processes had {largest:,.0f} MiB")
    if parsed.no_copies:
        asked = (parsed.model, "--length", "100000", "--seed", "1")
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(parsed.rounds):
            for guarded, found in rates.items():
                found.append(written(*asked, *(("--no-copies", str(parsed.no_copies)) if guarded else ())))
        free, safe = median(rates[False]), median(rates[True])
        print(f"\n{free:,.0f} characters a second, {safe:,.0f} with --no-copies {parsed.no_copies}: {safe / free:.2f}")


if __name__ == "__main__":
    main()
