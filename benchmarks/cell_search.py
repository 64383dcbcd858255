"""Other recurrences against the LSTM, at equal steps, on a slice of the training text.

    python benchmarks/cell_search.py TEXT --into cells.jsonl [--only "NAME" ...] [--steps 1000] [--units 384]

Of TEXT the first nine tenths are used, and of those the last tenth is what every trial is judged by. The cells are
written as their equations (benchmarks/cells.py), step after step, in float32: what they cost in kernels of their own is
not measured here but said as the parameters that a character's products go through, beside the LSTM's. What gains
nothing at equal steps, and has as many, is not worth a kernel. Every trial appends a line to the file and is not done
again.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from cells import CELLS

from understudy.model.config import ModelConfig
from understudy.text.batches import Lanes
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary
from understudy.training.loop import Trainer
from understudy.training.recipe import Recipe, preset
from understudy.training.schedule import Schedule

HELD_BACK = 0.1


def trial(name: str, text: str, recipe: Recipe, steps: int) -> dict[str, Any]:
    """Train one; its best look's losses."""
    vocabulary = Vocabulary.of_text(text)
    ids = Ids(vocabulary.encode(text))
    cut = int((1 - HELD_BACK) * len(ids))
    network = CELLS[name](ModelConfig("lstm", len(vocabulary), recipe.embedding, recipe.units, 1))
    network.start(recipe.seed)
    lanes = Lanes(ids[slice(0, cut)], recipe.batch_size, recipe.sequence_length)
    trainer = Trainer(network, recipe, Schedule(steps, max(1, steps // 4), steps), lanes, ids[slice(cut, len(ids))])
    began = time.perf_counter()
    for report in trainer.run():
        if report is not None and report.windowed is not None and report.streamed is not None:
            print(f"  {name}: {report.step} {report.windowed.loss:.4f} {report.streamed.loss:.4f}", flush=True)
    progress = trainer.progress
    return {
        "train": progress.train_loss,
        "windowed": progress.best_loss,
        "streamed": progress.best_streamed,
        "matrix_parameters": network.matrix_parameters(),
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    """Do the trials that are not done, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--characters", type=int)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--units", type=int, default=384)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lanes", type=int, default=32)
    parser.add_argument("--rate", type=float, default=24e-3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="*", default=list(CELLS))
    parser.add_argument("--threads", type=int, default=2)
    parsed = parser.parse_args()
    torch.set_num_threads(parsed.threads)
    whole = parsed.text.read_text(encoding="utf-8")
    part = whole[: int(0.9 * len(whole))][: parsed.characters]
    recipe = preset("auto").with_settings(
        units=parsed.units,
        dropout=parsed.dropout,
        batch_size=parsed.lanes,
        learning_rate=parsed.rate,
        precision="float32",
        steps=parsed.steps,
    )
    rows = []
    for name in parsed.only:
        found = []
        for seed in parsed.seeds:
            done = [json.loads(line) for line in parsed.into.read_text().splitlines()] if parsed.into.exists() else []
            key = {"name": name, "seed": seed, "characters": len(part), "steps": parsed.steps, "units": parsed.units}
            key |= {"dropout": parsed.dropout, "lanes": parsed.lanes, "rate": parsed.rate}
            result = next((entry for entry in done if entry.items() >= key.items()), None)
            if result is None:
                result = key | trial(name, part, recipe.with_settings(seed=seed), parsed.steps)
                with parsed.into.open("a") as lines:
                    print(json.dumps(result), file=lines)
            found.append(result)
        rows.append((name, found))
    print("| cell | matrix parameters | seeds | train | windowed | streamed |\n|---|---|---|---|---|---|")
    for name, found in rows:
        losses = " | ".join(f"{median(one[loss] for one in found):.4f}" for loss in ("train", "windowed", "streamed"))
        print(f"| {name} | {found[0]['matrix_parameters']:,} | {len(found)} | {losses} |")


if __name__ == "__main__":
    main()
