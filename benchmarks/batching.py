"""Shuffled chunks whose state is carried, as the tutorial of 2018 has them, against what they might be instead.

    python benchmarks/batching.py TEXT --into batching.jsonl [--steps 620] [--seeds 3] [--print-only]

Every run is the tutorial's preset (64 sequences of 100 characters, Adam at 0.001) with a GRU of 256 units and 64
numbers for a character, so that a processor learns twelve of them in minutes; the runs of a seed begin from the same
weights and read equally much. Four ways of batching:

    carried     shuffled chunks; each begins in the state that another text left, as the tutorial has it
    zero        shuffled chunks, each from the zero state
    lanes       contiguous lanes, the state carried: it belongs to the text just before
    lanes zero  contiguous lanes, each sequence from the zero state

The last tenth of TEXT is held back, and looked at when a run has ended. Beside its losses stand those of the first ten
characters of each hundred, begun in three states: zero; their own, which the hundred characters before have left; and
another text's, which a hundred characters elsewhere have left. Every run appends a line to the file and is not done
again.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from commands import understudy
from torch.nn import functional as F

from understudy.model import file
from understudy.model.network import Network, State
from understudy.model.parameters import network_of
from understudy.text.encoded import Ids

WAYS: dict[str, tuple[str, ...]] = {
    "carried": ("--batches", "chunks"),
    "zero": ("--batches", "chunks", "--fresh", "1"),
    "lanes": ("--batches", "lanes"),
    "lanes zero": ("--batches", "lanes", "--fresh", "1"),
}
NAMES = {
    "carried": "shuffled chunks, another text's state (the tutorial)",
    "zero": "shuffled chunks, zero state",
    "lanes": "contiguous lanes, their own state",
    "lanes zero": "contiguous lanes, zero state",
}
MODEL = ("--preset", "tutorial", "--units", 256, "--embedding", 64, "--validation", 0.1)
SEQUENCE, FIRST = 100, 10
STATES = ("zero", "own", "another")


@torch.inference_mode()
def first_characters(network: Network, ids: Ids) -> dict[str, float]:
    """Mean nats of the first characters of every hundred, begun in each of the three states."""
    count = (len(ids) - 1) // SEQUENCE
    starts = np.arange(1, count, dtype=np.int64) * SEQUENCE
    before = torch.from_numpy(ids.gather(starts - SEQUENCE, SEQUENCE))
    block = torch.from_numpy(ids.gather(starts, FIRST + 1))
    zero = network.zero_state(len(starts))
    own = network(before, zero)[1]
    another: State = tuple(tuple(part.roll(len(starts) // 2, 0) for part in layer) for layer in own)
    found = {}
    for name, state in zip(STATES, (zero, own, another), strict=True):
        logits = network(block[:-1], state)[0]
        found[name] = float(F.cross_entropy(logits.flatten(0, 1), block[1:].flatten()))
    return found


def trained(text: Path, way: str, seed: int, steps: int) -> dict[str, Any]:
    """One run's figures."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        flags = (*MODEL, "--steps", steps, "--evaluate-every", steps, "--seed", seed, *WAYS[way])
        told = understudy("train", text, *flags, "--out", run, "--quiet")
        model = file.read(run)
        whole = text.read_text(encoding="utf-8")
        held = Ids(model.vocabulary.encode(whole[int(0.9 * len(whole)) :]))
        figures = {
            "train": told["train_loss"],
            "windowed": told["validation_loss"],
            "streamed": told["validation_loss_streamed"],
        }
        return figures | first_characters(network_of(model), held)


def rows(way: str, runs: list[dict[str, Any]]) -> list[str]:
    """A line for each seed, and one of medians."""
    columns = ("windowed", "streamed", *STATES)
    lines = [f"| {NAMES[way]} | {run['seed']} | {' | '.join(f'{run[name]:.4f}' for name in columns)} |" for run in runs]
    middle = " | ".join(f"{median(run[name] for run in runs):.4f}" for name in columns)
    return [*lines, f"| **{NAMES[way]}** | **median** | {middle} |"]


def main() -> None:
    """Do the runs that are not done, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=620)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--print-only", action="store_true")
    parsed = parser.parse_args()
    done = [json.loads(line) for line in parsed.into.read_text().splitlines()] if parsed.into.exists() else []
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for seed in range(parsed.seeds):
        for way, runs in found.items():
            key = {"text": parsed.text.stem, "way": way, "seed": seed, "steps": parsed.steps}
            run = next((entry for entry in done if entry.items() >= key.items()), None)
            if run is None and not parsed.print_only:
                run = key | trained(parsed.text, way, seed, parsed.steps)
                with parsed.into.open("a") as lines:
                    print(json.dumps(run), file=lines)
            if run is not None:
                runs.append(run)
    first = " | ".join(f"first {FIRST}, {state}" for state in ("zero state", "own state", "another text's state"))
    print(f"| batches | seed | windowed 256 | streamed | {first} |\n" + "|---" * 7 + "|")
    for way, runs in found.items():
        if runs:
            print("\n".join(rows(way, runs)))


if __name__ == "__main__":
    main()
