"""`--threads`, and what is said where a run goes on with other threads or by another path."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from understudy import Run
from understudy.model.paths import CHOICE
from understudy.model.recurrence import compiled
from understudy.runs import beginning
from understudy.training.machine import environment

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

SETTINGS: dict[str, Any] = {
    "preset": "tiny",
    "units": 64,
    "embedding": 8,
    "batch_size": 4,
    "sequence_length": 16,
    "steps": 30,
}
FLAGS = tuple(part for name, value in SETTINGS.items() for part in (f"--{name.replace('_', '-')}", value))


@pytest.fixture(autouse=True)
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def left(text: Path, tmp_path: Path) -> Path:
    """A run on the CPU that somebody left."""
    run = Run(text, out=tmp_path / "stopped", start_from="none", device="cpu", **SETTINGS)
    for _ in run:
        break
    return run.folder


@pytest.fixture
def stopped(text: Path, tmp_path: Path) -> Path:
    return left(text, tmp_path)


def test_so_many_threads_are_used(understudy: "CommandLine", text: Path, threads: int) -> None:
    wanted = 1 if threads > 1 else 2
    assert understudy("train", text, "--out", "new", *FLAGS, "--threads", wanted, "--quiet").status == 0
    assert torch.get_num_threads() == wanted


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0", "--threads 0: expected a whole number from 1 to 1,024"),
        ("2000", "--threads 2000: expected a whole number from 1 to 1,024"),
        ("half", "half"),
    ],
)
def test_a_number_of_threads_that_cannot_be_is_refused(
    given: str, message: str, text: Path, refused: Callable[..., str]
) -> None:
    assert message in refused("train", text, "--threads", given)


@pytest.mark.parametrize("path", compiled._paths()[1:])
def test_a_run_that_goes_on_by_another_path_says_so(
    path: str, understudy: "CommandLine", stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compiled.path()
    monkeypatch.setenv(CHOICE, path)
    went_on = understudy("train", "--out", stopped, "--resume")
    assert went_on.status == 0
    assert f"note: this run was started with kernels {first}, now {path}; it goes on, but " in went_on.out


def test_a_run_that_goes_on_as_it_began_says_nothing(understudy: "CommandLine", stopped: Path) -> None:
    assert "started with" not in understudy("train", "--out", stopped, "--resume").out


def test_a_run_that_recorded_no_path_goes_on_without_a_word(
    understudy: "CommandLine", text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        older = {name: value for name, value in environment("cpu", 1).items() if name != "kernels"}
        patch.setattr(beginning, "environment", lambda *_: older)
        folder = left(text, tmp_path)
    assert "started with" not in understudy("train", "--out", folder, "--resume").out
