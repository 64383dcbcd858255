"""What two processes exchange: gradients in bfloat16 beside float32, and n-grams by row beside one by one.

    python benchmarks/exchange.py TEXT [--steps 1500] [--seeds 3] [--units 256] [--rounds 3] [--rows NOVEL.txt.gz ...]

The same training, by two processes of one thread, with gradients that travel in either: nats a character on the last
tenth of the text after equal steps, and, as root and with iproute2, how much faster a step is between two network
namespaces that 100 Mbit a second join, in turns. With `--rows`, first: for steps of more and more characters of those
texts, the bytes that a process sends of a table of n-grams, one by one and by row.
"""

import argparse
import gzip
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from commands import streamed
from ranks import LSTM, PLACES, RATES, joined, limit, shared
from training_speed import spread

from understudy.model.config import RECENT, ModelConfig
from understudy.model.ngrams import NGrams, Occurrences
from understudy.runs.choice import NGRAM_ROWS
from understudy.text.vocabulary import Vocabulary

KINDS = ("float32", "bfloat16")
LENGTH = 64


def losses(text: Path, steps: int, seeds: int, model: tuple[str, ...]) -> None:
    """Print what both come to."""
    print(f"| seed | {' | '.join(f'gradients in {kind}, nats' for kind in KINDS)} | bfloat16 worse by |")
    print("|---" * 4 + "|")
    for seed in range(seeds):
        found = []
        for kind in KINDS:
            with tempfile.TemporaryDirectory() as folder:
                run, seeded = Path(folder, "run"), ("--seed", str(seed), "--validation", "0.1")
                shared(text, run, steps, (*model, "--exchange", kind, *seeded))
                found.append(streamed(run, text))
        print(f"| {seed} | {' | '.join(f'{loss:.4f}' for loss in found)} | {found[1] - found[0]:+.4f} |", flush=True)


def speed(text: Path, rounds: int, model: tuple[str, ...]) -> None:
    """Print how many characters a second both learn over a slow network."""
    name, rate = next(iter(RATES.items()))
    ratios = []
    with joined():
        limit(rate)
        for _ in range(rounds):
            found = []
            for kind in KINDS:
                with tempfile.TemporaryDirectory() as folder:
                    found.append(shared(text, Path(folder, "run"), 40, (*model, "--exchange", kind), PLACES))
            ratios.append(found[1] / found[0])
    print(f"\n{name} a second: bfloat16 {spread(ratios)} of the speed of float32")


def rows(paths: list[Path]) -> None:
    """Print the bytes of n-grams by row and one by one."""
    text = "".join(gzip.decompress(path.read_bytes()).decode("utf-8-sig") for path in paths)
    vocabulary = Vocabulary.of_text(text)
    ids = torch.from_numpy(np.asarray(vocabulary.encode(text), dtype=np.int64)) + 1
    table = NGrams(ModelConfig("lstm", len(vocabulary), 128, 8, 1, NGRAM_ROWS))
    print("\n| characters of a process | bytes one by one | by row | of it |")
    print("|---" * 4 + "|")
    for characters in (2_048, 16_384, 131_072, 262_144, 524_288):
        lanes = characters // LENGTH
        apart = len(ids) // lanes
        codes = torch.stack([ids[lane * apart : lane * apart + RECENT + LENGTH] for lane in range(lanes)], dim=1)
        found = Occurrences.of(table.rows(codes), torch.zeros(characters, table.weight.shape[1]))
        by_row, single = found.by_row(), 4 * (found.rows.numel() + found.gradient.numel())
        sums = 4 * (by_row.rows.numel() + by_row.gradient.numel() + by_row.squares.numel())
        print(f"| {characters:,} | {single:,} | {sums:,} | {sums / single:.2f} |")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=Path, nargs="+", default=[])
    parsed = parser.parse_args()
    model = (*LSTM, "--units", str(parsed.units), "--batch-size", "32")
    if parsed.rows:
        rows(parsed.rows)
    losses(parsed.text, parsed.steps, parsed.seeds, model)
    if os.geteuid() == 0:
        speed(parsed.text, parsed.rounds, model)
    else:
        print("not root: no networks are made", file=sys.stderr)


if __name__ == "__main__":
    main()
