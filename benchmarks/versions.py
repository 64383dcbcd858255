"""This checkout against another one of the same project, by the commands that users give, in turns.

    python benchmarks/versions.py OTHER TEXT [--turns 3] [--minutes 1] [--only-writing]

OTHER is a folder with another checkout, its kernels built (`python setup.py build_ext --inplace` in it). Each figure is
what a command's `--json` says or what the process took; the two checkouts take turns, so that a drift of the machine's
speed meets both. Prints the medians, their ratio and the spread.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parents[1]
TUTORIAL = ("--preset", "tutorial", "--precision", "bfloat16", "--steps", "16")
LSTM = ("--preset", "tiny", "--units", "512", "--embedding", "128", "--batch-size", "64", "--sequence-length", "64")
TRAINING: dict[str, tuple[str, ...]] = {
    "tutorial's GRU 1024": TUTORIAL,
    "LSTM 512": (*LSTM, "--optimizer", "muon", "--steps", "100"),
    "LSTM 512 with n-grams": (*LSTM, "--optimizer", "muon", "--ngrams", "131071", "--steps", "80"),
    "LSTM 512, dropout": (*LSTM, "--optimizer", "muon", "--dropout", "0.3", "--steps", "100"),
}
WRITING = {"1 stream": ("--length", "30000"), "64 streams": ("--length", "4000", "--samples", "64")}


class Process:
    """What a command printed, how long it took, and its memory at the most."""

    def __init__(self, checkout: Path, *arguments: object) -> None:
        environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "ORT_DISABLE_TELEMETRY": "1"}
        began = time.perf_counter()
        done = subprocess.Popen(
            [sys.executable, "-m", "understudy", *map(str, arguments)], env=environment, stdout=subprocess.PIPE
        )
        assert done.stdout is not None
        printed = done.stdout.read()
        _, status, usage = os.wait4(done.pid, 0)
        done.returncode = os.waitstatus_to_exitcode(status)
        if done.returncode:
            raise SystemExit(f"{checkout}: {arguments} ended with status {done.returncode}")
        self.seconds = time.perf_counter() - began
        self.megabytes = _peak(usage)
        self.result: dict[str, Any] = json.loads(printed)


def _peak(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1024


def measured(checkout: Path, text: Path, minutes: float, seed: int) -> dict[str, float]:
    """One turn of a checkout: every figure by its name."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNDERSTUDY_CACHE"] = str(Path(folder) / "cache")
        for name, recipe in TRAINING.items():
            run = Process(
                checkout, "train", text, "--out", Path(folder) / name, *recipe, "--validation", 0, "--json", "--quiet"
            )
            found[f"training, {name}: characters a second"] = run.result["characters_per_second"]
        found |= written(checkout)
        run = Process(checkout, "evaluate", "@shakespeare", text, "--json", "--no-baselines")
        found["evaluating 1.1 MB: seconds"] = run.seconds
        found["evaluating 1.1 MB: MiB at the most"] = run.megabytes
        if minutes:
            knows_base = (checkout / "src" / "understudy" / "model" / "boxed" / "base.safetensors").exists()
            begun = ("--from", "none") if knows_base else ()
            run = Process(
                *(checkout, "train", text, "--out", Path(folder) / "auto", "--minutes", minutes),
                *("--seed", seed, *begun, "--json", "--quiet"),
            )
            found[f"{60 * minutes:g} s of training: nats in windows of 256"] = run.result["validation_loss"]
            found[f"{60 * minutes:g} s of training: nats streamed"] = run.result["validation_loss_streamed"]
            found[f"{60 * minutes:g} s of training: seconds, start included"] = run.seconds
    return found


def written(checkout: Path) -> dict[str, float]:
    """The figures of writing alone."""
    found: dict[str, float] = {}
    for name, how in WRITING.items():
        run = Process(checkout, "generate", "--seed", 1, *how, "--json")
        found[f"writing, @shakespeare, {name}: characters a second"] = run.result["characters_per_second"]
    run = Process(checkout, "generate", "--seed", 1, "--length", 1000, "--json")
    found["1,000 characters, start included: seconds"] = run.seconds
    return found


def main() -> None:
    """Take turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--only-writing", action="store_true")
    parsed = parser.parse_args()
    turns: dict[Path, list[dict[str, float]]] = {parsed.other.resolve(): [], HERE: []}
    for seed in range(parsed.turns):
        for checkout, found in turns.items():
            if parsed.only_writing:
                found.append(written(checkout))
            else:
                found.append(measured(checkout, parsed.text.resolve(), parsed.minutes, seed))
            print(checkout, json.dumps(found[-1]), file=sys.stderr, flush=True)
    print("| what | other | this | this / other |\n|---|---|---|---|")
    for name in turns[HERE][0]:
        cells, medians = [], []
        for found in turns.values():
            values = [one[name] for one in found]
            medians.append(median(values))
            digits = 4 if medians[-1] < 10 else 0
            cells.append(f"{medians[-1]:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})")
        print(f"| {name} | {cells[0]} | {cells[1]} | {medians[1] / medians[0]:.3f} |")


if __name__ == "__main__":
    main()
