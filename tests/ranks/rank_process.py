"""Ranks in real processes, forked once torch is imported: of the command line, or of what `crew.py` trains."""

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.processes.serving import serve
from tests.ranks import crew
from understudy.ranks.joining import joined
from understudy.training import update


def world(rank: int, of: int, port: int, figures: str | None = None, poisoned: int | None = None) -> Callable[[], None]:
    """Which rank this is, as a launcher says it; with `figures`, all of the crew's cases are trained into that folder.

    With `poisoned`, this rank's loss is not finite at that step.
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
    if poisoned is not None:
        poison(poisoned)
    return lambda: None


def train(folder: Path) -> None:
    with joined() as ranks:
        for number, case in enumerate(crew.EVERY):
            found = crew.figures(case, ranks)
            np.savez(folder / f"{number}-{ranks.rank}-of-{ranks.count}.npz", **found)  # type: ignore[arg-type]


def poison(number: int) -> None:
    take, left = update.EagerUpdates.take, [1]

    def poisoned(self: update.EagerUpdates, batch: object, step: int, rate: float) -> None:
        share = self.exchange.share
        if step == number and left:
            left.pop()
            self.exchange.share = float("nan")
        try:
            take(self, batch, step, rate)  # type: ignore[arg-type]
        finally:
            self.exchange.share = share

    update.EagerUpdates.take = poisoned  # type: ignore[method-assign]


if __name__ == "__main__":
    serve(world)
