"""What several tests do with a run."""

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.model import parameters
from understudy.training.loop import Report, Trainer
from understudy.training.session import Session, Setback


def weights(trainer: Trainer) -> dict[str, NDArray[np.float32]]:
    return {name: array.copy() for name, array in parameters.arrays(trainer.network).items()}


def assert_equal(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def finish(session: Session) -> list[Report | Setback]:
    return [report for report in session.reports() if report is not None]


def take(trainer: Trainer, steps: int) -> None:
    """Some steps, or fewer where the run ends before."""
    for _ in islice(trainer.run(), steps):
        pass


def reports_of(trainer: Trainer) -> list[Report]:
    return [report for report in trainer.run() if report is not None]
