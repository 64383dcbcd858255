"""Loss against time: `understudy train` on a text for given seconds, beside nanoGPT's figures.

    python benchmarks/quality.py ../shared/data/tinyshakespeare.txt [--seconds 10 60 300] [--seeds 3]

Each run is the command as users give it, with nothing but the time and the seed: reading, measuring and evaluating are
in the time. The last tenth of the text is held back, as `int(0.9 * n)`; the median over the seeds, with the smallest
and the largest.
"""

import argparse
import tempfile
import time
from statistics import median
from typing import Any

from commands import understudy

NANOGPT = (
    ("nanoGPT, 10.65 M parameters, context 256, published", "A100, 180 s", "1.4697"),
    ("nanoGPT's recipe for a CPU, context 64, windows of 64", "two such cores, 100 s", "1.8857"),
)


def trained(text: str, seconds: float, seed: int) -> tuple[dict[str, Any], float]:
    """What the command prints, and how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        found = understudy(
            "train", text, "--minutes", seconds / 60, "--seed", seed, "--out", f"{folder}/run", "--quiet"
        )
        return found, time.perf_counter() - began


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{median(values):.4f} ({min(values):.4f} to {max(values):.4f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 300])
    parser.add_argument("--seeds", type=int, default=3)
    parsed = parser.parse_args()
    print("| seconds asked for | it took | parameters | windowed 256, nats | streamed, nats |\n|---|---|---|---|---|")
    for seconds in parsed.seconds:
        runs = [trained(parsed.text, seconds, seed) for seed in range(parsed.seeds)]
        windowed = spread([found["validation_loss"] for found, _ in runs])
        streamed = spread([found["validation_loss_streamed"] for found, _ in runs])
        took = ", ".join(f"{taken:.1f}" for _, taken in runs)
        print(f"| {seconds:g} | {took} | {runs[0][0]['parameters']:,} | {windowed} | {streamed} |", flush=True)
    for name, where, loss in NANOGPT:
        print(f"| {name} | {where} | | {loss} | |")


if __name__ == "__main__":
    main()
