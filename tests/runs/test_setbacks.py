"""Numbers that are not finite: nothing is learned from them, the run goes back, and ends after a few times."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.runs.helpers import assert_equal, finish, reports_of, take, weights
from understudy.cli.main import main
from understudy.errors import DivergedError
from understudy.model import file
from understudy.runs import checkpoint
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.keeping import Setback
from understudy.training.loop import Trainer
from understudy.training.update import NotFiniteError

if TYPE_CHECKING:
    from tests.runs.conftest import Opener


class Poison:
    """Makes the gradient not finite in chosen steps, as often as asked."""

    def __init__(self, trainer: Trainer, steps: dict[int, int], value: float = math.nan) -> None:
        self.trainer, self.left, self.value = trainer, dict(steps), value
        trainer.network.output.bias.register_hook(self)  # type: ignore[no-untyped-call]

    def __call__(self, gradient: Tensor) -> Tensor:
        step = self.trainer.progress.step
        if not self.left.get(step):
            return gradient
        self.left[step] -= 1
        return gradient * self.value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_reaches_neither_weights_nor_moments_nor_state(
    value: float, opened: "Opener", tmp_path: Path
) -> None:
    session = opened(optimizer="adamw", clip=1.0)
    trainer = session.trainer
    Poison(trainer, {7: 1}, value)
    take(trainer, 7)
    before = checkpoint.load(checkpoint.save(tmp_path / "before", Checkpoint.of(session.facts, trainer, {})))
    with pytest.raises(NotFiniteError) as raised:
        take(trainer, 1)
    assert raised.value.step == 7
    after = checkpoint.load(checkpoint.save(tmp_path / "after", Checkpoint.of(session.facts, trainer, {})))
    assert after.progress.step == before.progress.step == 7
    assert_equal(dict(after.tensors), dict(before.tensors))


def test_a_loss_that_is_not_finite_is_not_learned_from(opened: "Opener") -> None:
    trainer = opened().trainer
    with torch.no_grad():
        trainer.network.output.weight[0, 0] = math.inf
    before = weights(trainer)
    with pytest.raises(NotFiniteError):
        take(trainer, 1)
    assert_equal(weights(trainer), before)


def test_a_run_goes_back_to_its_last_checkpoint_with_half_the_rate_and_then_finishes(opened: "Opener") -> None:
    session = opened(checkpoint_every=7, evaluate_every=10, schedule="constant", warmup=0.0, learning_rate=0.004)
    Poison(session.trainer, {16: 1, 25: 1})
    rates = []
    setbacks: list[Setback] = []
    for report in session.reports():
        if isinstance(report, Setback):
            setbacks.append(report)
        elif report is not None:
            rates.append((report.step, report.learning_rate))
    assert [(setback.failed_step, setback.back_to) for setback in setbacks] == [(16, 14), (25, 21)]
    assert all("\n" not in setback.message for setback in setbacks)
    assert rates == [(10, 0.004), (20, 0.002), (30, 0.001)]
    assert session.finished
    lines = [json.loads(line) for line in (session.folder.path / "metrics.jsonl").read_text().splitlines()]
    assert [line["setback"] for line in lines if "setback" in line] == [setback.message for setback in setbacks]
    found, _ = checkpoint.load_latest(session.folder.checkpoints)
    assert found is not None
    assert (found.progress.setbacks, found.progress.rate_scale) == (2, 0.25)


def test_a_run_that_went_back_equals_one_that_was_always_at_half_the_rate_from_there(opened: "Opener") -> None:
    settings: dict[str, Any] = {"checkpoint_every": 10, "schedule": "constant", "warmup": 0.0, "dropout": 0.2}
    one = opened(name="one", learning_rate=0.004, steps=20, **settings)
    Poison(one.trainer, {12: 1})
    finish(one)
    other = opened(name="other", learning_rate=0.004, steps=20, **settings)
    take(other.trainer, 10)
    other.trainer.progress.rate_scale = 0.5
    reports_of(other.trainer)
    assert_equal(weights(one.trainer), weights(other.trainer))


def test_the_third_time_ends_the_run_and_the_last_good_checkpoint_stays(opened: "Opener") -> None:
    session = opened(checkpoint_every=7)
    Poison(session.trainer, {16: 99})
    with pytest.raises(DivergedError) as raised:
        finish(session)
    message = str(raised.value)
    assert "step 16" in message
    assert str(session.folder.checkpoints) in message
    assert "--learning-rate" in message
    found, _ = checkpoint.load_latest(session.folder.checkpoints)
    assert found is not None
    assert found.progress.step == 14
    assert found.progress.setbacks == 2
    assert all(np.isfinite(array).all() for array in found.tensors.values())


@pytest.fixture
def poisoned(finished: Path, tmp_path: Path) -> Path:
    """A model whose weights are finite, and whose losses are not."""
    model = file.read(finished)
    tensors = {name: np.array(array) for name, array in model.tensors.items()}
    tensors["output.weight"][::2], tensors["output.weight"][1::2] = 3e38, -3e38
    path = tmp_path / "poisoned.safetensors"
    replace(model, tensors=tensors).write(path)
    return path


@pytest.mark.parametrize("duration", [("--steps", "5"), ("--minutes", "0.05")])
def test_a_diverged_run_ends_with_status_1_and_one_line(
    duration: tuple[str, str], poisoned: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    status = main(["train", str(text), "--from", str(poisoned), "--out", str(out), "--preset", "tiny", *duration])
    assert status == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("understudy: error: step 0: the loss is ")
