"""Checkpoints come by time as well, whatever a run's length is said in; what it does never depends on when."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs.helpers import assert_equal, finish, weights
from tests.runs.test_setbacks import Poison
from understudy.api import Model
from understudy.model import file
from understudy.runs import checkpoint, keeping
from understudy.runs.keeping import Setback

if TYPE_CHECKING:
    from tests.runs.conftest import Opener


def steps_kept(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step-")) for path in folder.iterdir())


@pytest.mark.parametrize("length", [{"steps": 30}, {"epochs": 0.1, "steps": None}, {"minutes": 0.05, "steps": None}])
def test_a_checkpoint_comes_after_so_many_seconds_however_long_the_run_is_to_be(
    length: dict[str, Any], opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "_SAVING_SHARE", 1e9)
    settings = {"checkpoint_every": 1000} | length
    one = opened(request={}, **settings)
    seen = []
    for _ in one.reports():
        seen.append(max(steps_kept(one.folder.checkpoints)))
        if len(seen) == 3:
            break
    assert seen == [1, 2, 3]


def test_twenty_seconds_are_the_most_that_is_lost() -> None:
    assert keeping.SAVE_SECONDS == 20


def test_where_writing_takes_long_it_takes_a_twentieth_of_the_time(opened: "Opener") -> None:
    one = opened(checkpoint_every=1000)
    next(one.reports())
    keeper = one.keeper
    assert not keeper.due
    keeper._saved -= 30
    assert keeper.due
    keeper._saving = 2.0
    assert not keeper.due
    keeper._saved -= 11
    assert keeper.due


@pytest.mark.parametrize("keep", [1, 2])
def test_of_those_that_came_by_time_the_newest_stays_beside_the_schedules(
    keep: int, opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "_SAVING_SHARE", 1e9)
    one = opened(checkpoint_every=10, keep=keep)
    for _ in one.reports():
        step = one.trainer.progress.step
        planned = list(range(0, step + 1, 10))[-keep:]
        assert steps_kept(one.folder.checkpoints) == sorted({*planned, step})


def test_a_damaged_newer_checkpoint_never_costs_an_intact_one(
    opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    one = opened(checkpoint_every=10, keep=1)
    damaged = one.folder.checkpoints / "step-000000000030.safetensors"
    damaged.write_bytes(b"not a checkpoint")
    for _ in one.reports():
        if one.trainer.progress.step == 12:
            break
    assert steps_kept(one.folder.checkpoints) == [10, 30]
    found, passed_over = checkpoint.load_latest(one.folder.checkpoints)
    assert found is not None
    assert found.progress.step == 10
    assert len(passed_over) == 1


def test_a_setback_goes_where_it_would_have_gone_without_checkpoints_by_time(
    opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"checkpoint_every": 10, "schedule": "constant", "warmup": 0.0, "learning_rate": 0.004}
    found = []
    for name, seconds in (("seldom", 1e9), ("at every step", 0.0)):
        monkeypatch.setattr(keeping, "SAVE_SECONDS", seconds)
        monkeypatch.setattr(keeping, "_SAVING_SHARE", 1e9)
        one = opened(name=name, **settings)
        Poison(one.trainer, {16: 1})
        setbacks = [report for report in finish(one) if isinstance(report, Setback)]
        assert [setback.back_to for setback in setbacks] == [10]
        found.append(weights(one.trainer))
    assert_equal(*found)


def test_after_a_setback_no_checkpoint_of_before_it_is_gone_on_from(
    opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(keeping, "_SAVING_SHARE", 1e9)
    one = opened(checkpoint_every=10)
    Poison(one.trainer, {16: 1})
    for report in one.reports():
        if isinstance(report, Setback):
            break
    assert steps_kept(one.folder.checkpoints)[-1] == 10
    found, _ = checkpoint.load_latest(one.folder.checkpoints)
    assert found is not None
    assert (found.progress.step, found.progress.setbacks) == (10, 1)


def test_a_run_with_checkpoints_by_time_is_the_run_without(opened: "Opener", monkeypatch: pytest.MonkeyPatch) -> None:
    models = []
    for name, seconds in (("seldom", 1e9), ("at every step", 0.0)):
        monkeypatch.setattr(keeping, "SAVE_SECONDS", seconds)
        monkeypatch.setattr(keeping, "_SAVING_SHARE", 1e9)
        one = opened(name=name, dropout=0.2)
        finish(one)
        one.close()
        metrics = [json.loads(line) for line in (one.folder.path / "metrics.jsonl").read_text().splitlines()]
        assert [line["step"] for line in metrics] == [10, 15, 20, 30]
        models.append(file.find(one.folder.path).read_bytes())
    assert models[0] == models[1]


def test_a_sample_is_what_the_model_writes_with_the_step_as_its_seed(opened: "Opener") -> None:
    one = opened(request={})
    finish(one)
    best = file.read(one.folder.model)
    step = best.training["steps"]
    blocks = (one.folder.path / "samples.txt").read_text(encoding="utf-8").split(f"--- step {step} ---\n")[1]
    written = Model(best, precision="float32").generate(length=keeping.SAMPLE_LENGTH, seed=step)
    assert blocks.startswith(written + "\n\n")
