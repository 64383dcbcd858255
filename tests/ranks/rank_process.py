"""Ranks in real processes, forked once torch is imported: of the command line, or of what `crew.py` trains."""

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tests.processes.serving import serve
from tests.ranks import crew
from understudy.ranks.joining import joined
from understudy.runs import checkpoint, keeping
from understudy.text.batches import Batch
from understudy.training import muon, update


def world(
    rank: int,
    of: int,
    port: int,
    figures: str | None = None,
    poisoned: int | None = None,
    drifts: int | None = None,
    slow: float = 0.0,
    told: str | None = None,
    saves: str | None = None,
    inside: str | None = None,
    texts: str | None = None,
) -> Callable[[], None]:
    """Make a process a rank, as a launcher says it, with what is different for it.

    Args:
        rank: which it is.
        of: of how many.
        port: where they meet.
        figures: a folder, where the command line gives way to the cases that it names, which write their figures there.
        poisoned: the step at which its loss is not finite.
        drifts: the step after which its weights are others.
        slow: seconds by which each step is longer.
        told: a file that is to hold the last step.
        saves: a file that is to tell of each checkpoint, which come often by time.
        inside: a folder in the working folder, to work in.
        texts: a text to be found there as `here.txt`.
    """
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(of), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    if figures is not None:
        status = 1
        try:
            train(Path(figures))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if inside is not None:
        Path(inside).mkdir()
        os.chdir(inside)
    if texts is not None:
        Path("here.txt").write_bytes(Path(texts).read_bytes())
    change(poisoned, drifts, slow, told)
    if saves is not None:
        tell_of_saves(Path(saves))
    return lambda: None


def change(poisoned: int | None, drifts: int | None, slow: float, told: str | None) -> None:
    take, left = update.EagerUpdates.take, [1]

    def changed(self: update.EagerUpdates, batch: Batch, step: int, rate: float) -> None:
        share = self.exchange.share
        if step == poisoned and left:
            left.pop()
            self.exchange.share = float("nan")
        time.sleep(slow)
        try:
            take(self, batch, step, rate)
        finally:
            self.exchange.share = share
        if step + 1 == drifts:
            with torch.no_grad():
                next(self.network.parameters()).add_(1e-3)
        if told is not None:
            Path(told).write_text(str(step + 1))

    update.EagerUpdates.take = changed  # type: ignore[method-assign]


def tell_of_saves(into: Path) -> None:
    save = checkpoint.save

    def told(folder: Path, found: checkpoint.Checkpoint, *, begins: bool = False) -> Path:
        with into.open("a") as file:
            file.write(f"{found.progress.step}\n")
        return save(folder, found, begins=begins)

    keeping.SAVE_SECONDS = 0.1
    checkpoint.save = told


def train(folder: Path) -> None:
    """With the rows of Muon's products shared out, small as they are."""
    muon._WORTH_SHARING = 16
    with joined() as ranks:
        for number, case in enumerate(json.loads((folder / crew.ASKED).read_text())):
            found = crew.figures(case, ranks)
            np.savez(folder / f"{number}-{ranks.rank}-of-{ranks.count}.npz", **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    serve(world)
