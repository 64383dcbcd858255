"""The tutorial preset's losses against runs of the tutorial itself on TensorFlow.

    python benchmarks/tutorial_losses.py METRICS.jsonl PEER.csv

METRICS.jsonl is what `understudy train TEXT --preset tutorial --steps 344` leaves in its run folder; PEER.csv has
columns seed, step, loss. Prints the mean training loss (nats a character) of steps 100 to 172, the end of the first
epoch of Tiny Shakespeare, and of steps 273 to 344, the end of the second.
"""

import csv
import json
import sys
from pathlib import Path

RANGES = ((100, 172), (273, 344))


def ours(path: Path, first: int, last: int) -> float:
    """Mean loss of steps `first` to `last`, from reports that each hold the mean since the one before."""
    total, count, before = 0.0, 0, 0
    for line in path.read_text().splitlines():
        report = json.loads(line)
        steps = range(before + 1, report["step"] + 1)
        inside = sum(first <= step <= last for step in steps)
        total, count, before = total + inside * report["train_loss"], count + inside, report["step"]
    assert count == last - first + 1, f"{path} has no reports of all steps {first} to {last}"
    return total / count


def theirs(path: Path, first: int, last: int) -> dict[str, float]:
    """The same mean for every seed of the peer."""
    losses: dict[str, list[float]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            if first <= int(row["step"]) <= last:
                losses.setdefault(row["seed"], []).append(float(row["loss"]))
    return {seed: sum(values) / len(values) for seed, values in losses.items()}


def main() -> None:
    """Print the comparison."""
    metrics, peer = Path(sys.argv[1]), Path(sys.argv[2])
    print("| steps | Understudy | TensorFlow, by seed | difference from their mean |\n|---|---|---|---|")
    for first, last in RANGES:
        mine, peers = ours(metrics, first, last), theirs(peer, first, last)
        mean = sum(peers.values()) / len(peers)
        shown = ", ".join(f"{value:.4f}" for value in peers.values())
        print(f"| {first} to {last} | {mine:.4f} | {shown} | {mine - mean:+.4f} |")


if __name__ == "__main__":
    main()
