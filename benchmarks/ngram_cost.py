"""What a table of n-grams costs: a training step with one beside a step without, in turns.

    python benchmarks/ngram_cost.py [--rounds 15]

32 lanes of 64 characters, embedding 128, one layer of LSTM, bfloat16, `auto`'s optimiser, 91 symbols of which some are
frequent. A ratio is the median over rounds of the ratio within a round, with the smallest and the largest.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch

from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.ranks.contract import Alone
from understudy.runs.choice import NGRAM_ROWS
from understudy.training.exchange import Exchange
from understudy.training.optimizer import Numbers, Optimizer
from understudy.training.recipe import preset
from understudy.training.update import gradient, update

V, T, B = 91, 64, 32


def step(units: int, ngrams: int) -> Callable[[], float]:
    """What takes a step and gives its seconds."""
    recipe = preset("auto").with_settings(units=units, batch_size=B, ngrams=ngrams, precision="bfloat16")
    network = Network(ModelConfig("lstm", V, recipe.embedding, units, 1, ngrams), precision=torch.bfloat16)
    initialize(network, "default", 0)
    optimizer = Optimizer(network, recipe)
    exchange = Exchange(network, optimizer, recipe, Alone())
    numbers, state = Numbers.of(recipe, 0.01, 1), network.zero_state(B)

    def taken() -> float:
        ids = (torch.rand(T + 1, B).pow(4) * V).long()
        began = time.perf_counter()
        given = gradient(network, ids[:-1], ids[1:], state, None, exchange)
        given.loss.item()
        update(network, optimizer, recipe, given, numbers)
        return time.perf_counter() - began

    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(2)
    print("| units | without, ms | with a table, ms | ratio |\n|---|---|---|---|")
    for units in (128, 256, 384, 512):
        plain, tabled = step(units, 0), step(units, NGRAM_ROWS)
        pairs = [(plain(), tabled()) for _ in range(rounds + 3)][3:]
        ratios = sorted(with_table / without for without, with_table in pairs)
        one, other = (1e3 * median(column) for column in zip(*pairs, strict=True))
        print(
            f"| {units} | {one:.1f} | {other:.1f} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
