"""What several tests do with a run."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.model import parameters
from understudy.runs.session import Session
from understudy.training.loop import Report, Trainer

RHYTHM = ("--checkpoint-every", 7, "--evaluate-every", 40)
SIZE = ("--units", 16, "--sequence-length", 8, "--batch-size", 32, "--validation", 0.02)
STEPS = 100  # more than an epoch, which has 77 steps in lanes and 69 or 68 in chunks


def command(text: Path, *more: object, steps: int = STEPS) -> list[object]:
    """A small run into `run`."""
    return ["train", text, "--out", "run", "--preset", "tiny", "--steps", steps, *RHYTHM, *SIZE, *more]


def real(*arguments: object, folder: Path, **settings: Any) -> "subprocess.Popen[str]":
    """`understudy ARGUMENTS` as a user starts it."""
    return subprocess.Popen(
        [sys.executable, *settings.pop("options", []), "-m", "understudy", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **settings,
    )


def weights(trainer: Trainer) -> dict[str, NDArray[np.float32]]:
    return {name: array.copy() for name, array in parameters.arrays(trainer.network).items()}


def assert_equal(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> None:
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def finish(session: Session) -> list[Report]:
    return [report for report in session.reports() if report is not None]


def take(trainer: Trainer, steps: int) -> None:
    """Some steps, or fewer where the run ends before."""
    for _ in islice(trainer.run(), steps):
        pass


def reports_of(trainer: Trainer) -> list[Report]:
    return [report for report in trainer.run() if report is not None]
