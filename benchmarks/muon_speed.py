"""Muon's orthogonalisation with half of each symmetric product made (`training/muon.py`) against all of it.

    python benchmarks/muon_speed.py [--rounds 30]

A layer's matrix of four gates; both take turns; the median, in milliseconds, and how far apart the two results are.
"""

import argparse
import time
from statistics import median
from unittest.mock import patch

import torch

from understudy.training import muon

UNITS = (384, 512, 640, 768, 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    print("| products | units | half, ms | all, ms | all / half | apart by |\n|---|---|---|---|---|---|")
    for products in (torch.float32, torch.bfloat16):
        for units in UNITS:
            matrix = torch.randn(4 * units, units)
            halves, wholes = [], []
            for _ in range(rounds + 2):
                began = time.perf_counter()
                half = muon.orthogonalized(matrix, products)
                between = time.perf_counter()
                with patch.object(muon, "symmetric", muon.added):
                    whole = muon.orthogonalized(matrix, products)
                halves.append(between - began)
                wholes.append(time.perf_counter() - between)
            taken = [1000 * median(times[2:]) for times in (halves, wholes)]
            apart = ((half - whole).norm() / whole.norm()).item()
            kind = str(products).removeprefix("torch.")
            print(
                f"| {kind} | {units} | {taken[0]:.1f} | {taken[1]:.1f} | {taken[1] / taken[0]:.2f} | {apart:.1e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
