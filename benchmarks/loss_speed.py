"""Output layer and loss in one (`model/output.py`) against the two apart: a step there and back, without optimiser.

    python benchmarks/loss_speed.py [--rounds 15]

LSTMs in bfloat16, 64 steps; both take turns; the median, in milliseconds.
"""

import argparse
import time
from statistics import median

import torch
from torch.nn import functional as F

from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network

T = 64
CASES = ((65, 384, 32), (65, 512, 32), (65, 640, 64), (4_000, 512, 16), (6_300, 512, 32))
"""Symbols, units, lanes."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print("| symbols | units | lanes | in one, ms | apart, ms |\n|---|---|---|---|---|")
    for V, H, B in CASES:
        network = Network(ModelConfig("lstm", V, 128, H, 1), precision=torch.bfloat16)
        initialize(network, "default", 0)
        ids, targets, state = torch.randint(V, (T, B)), torch.randint(V, (T, B)), network.zero_state(B)
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds + 2):
            for times, together in zip(taken, (True, False), strict=True):
                network.zero_grad()
                began = time.perf_counter()
                if together:
                    loss, _ = network.loss(ids, targets, state)
                else:
                    logits, _ = network(ids, state)
                    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
                loss.backward()  # type: ignore[no-untyped-call]
                times.append(time.perf_counter() - began)
        one, apart = (1000 * median(times[2:]) for times in taken)
        print(f"| {V:,} | {H} | {B} | {one:.1f} | {apart:.1f} |", flush=True)


if __name__ == "__main__":
    main()
