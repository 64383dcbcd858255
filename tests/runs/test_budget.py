"""Minutes become a number of steps, once."""

import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.model import file
from understudy.model.network import Network
from understudy.ranks.contract import Ranks
from understudy.runs import budget, checkpoint
from understudy.runs.budget import Speed, measure, schedule_for, schedule_in
from understudy.text.batches import Batch
from understudy.text.encoded import Ids
from understudy.training.recipe import Recipe
from understudy.training.schedule import VALIDATION_LIMIT
from understudy.training.update import EagerUpdates

if TYPE_CHECKING:
    from tests.runs.conftest import Opener


@given(
    seconds=st.floats(30, 1e5),
    step=st.floats(1e-4, 0.2),
    evaluation=st.floats(0, 0.01),
    every=st.none() | st.integers(1, 1000),
)
def test_steps_and_evaluations_fill_the_time_and_do_not_exceed_it(
    seconds: float, step: float, evaluation: float, every: int | None
) -> None:
    evaluation *= seconds
    schedule = schedule_in(Recipe(evaluate_every=every), 100, 10_000, seconds, Speed(step, evaluation / 10_000))
    evaluations = -(-schedule.steps // schedule.evaluate_every)
    planned = schedule.steps * step + evaluations * evaluation
    assert planned <= seconds + evaluation + step
    assert planned > 0.85 * seconds - evaluation - step
    if every is None:
        assert 1 <= evaluations <= 20
    else:
        assert schedule.evaluate_every == every


@given(seconds=st.floats(-10, 1e4), step=st.floats(1e-3, 100), evaluation=st.floats(0, 1000))
def test_there_is_always_a_step(seconds: float, step: float, evaluation: float) -> None:
    schedule = schedule_in(Recipe(), 100, 10_000, seconds, Speed(step, evaluation / 10_000))
    assert schedule.steps >= 1
    assert schedule.evaluate_every >= 1
    assert schedule.checkpoint_every >= 1


@pytest.mark.parametrize(
    ("held_back", "look", "looked_at", "looks"),
    [
        (1_000_000, 11.9, 1_000_000, 1),
        (1_000_000, 12.5, 240_000, 4),
        (1_000_000, 1e6, 5_000, 1),
        (3_000, 1e6, 3_000, 1),
        (100 * VALIDATION_LIMIT, 1190.0, VALIDATION_LIMIT, 1),
        (100 * VALIDATION_LIMIT, 12.0, VALIDATION_LIMIT, 20),
    ],
)
def test_where_one_look_would_take_too_long_part_of_the_text_is_looked_at(
    held_back: int, look: float, looked_at: int, looks: int
) -> None:
    """`look` is what one would take at all that is held back; looks may take 12 of 120 seconds."""
    schedule = schedule_in(Recipe(), 100, held_back, 120.0, Speed(0.05, look / held_back))
    assert schedule.looked_at == looked_at
    assert -(-schedule.steps // schedule.evaluate_every) == looks
    planned = schedule.steps * 0.05 + looks * look * looked_at / held_back
    assert planned == pytest.approx(120, abs=0.1) or schedule.steps == 1


def test_looks_as_often_as_the_user_says_are_at_the_whole_text() -> None:
    schedule = schedule_in(Recipe(evaluate_every=10), 100, 1_000_000, 120.0, Speed(0.05, 1e-4))
    assert schedule.looked_at == 1_000_000


def test_as_much_is_looked_at_as_the_schedule_says(opened: "Opener") -> None:
    session = opened()
    assert session.trainer.validation is not None
    assert len(session.trainer.validation) > 300
    session.trainer.schedule = replace(session.trainer.schedule, looked_at=300)
    for score in session.trainer.evaluate():
        assert score is not None
        assert score.characters == 299


def test_without_a_validation_text_all_the_time_goes_into_steps() -> None:
    schedule = schedule_in(Recipe(), 100, 0, 100.0, Speed(0.25, 0.0))
    assert (schedule.steps, schedule.evaluate_every) == (400, 0)


def test_a_checkpoint_comes_about_every_twenty_seconds() -> None:
    assert schedule_in(Recipe(), 100, 10_000, 600.0, Speed(0.5, 1e-4)).checkpoint_every == 40
    assert schedule_in(Recipe(checkpoint_every=3), 100, 10_000, 600.0, Speed(0.5, 1e-4)).checkpoint_every == 3


def test_epochs_are_counted_in_steps() -> None:
    assert schedule_for(Recipe(epochs=3), 71, True).steps == 213
    assert schedule_for(Recipe(epochs=0.5), 70, True).steps == 35
    assert schedule_for(Recipe(epochs=1e-6), 70, True).steps == 1
    assert schedule_for(Recipe(steps=12), 70, True).steps == 12
    assert schedule_for(Recipe(epochs=6, checkpoint_epochs=2), 71, True).checkpoint_every == 142


def test_a_run_is_evaluated_ten_times_unless_said_otherwise() -> None:
    schedule = schedule_for(Recipe(steps=1000), 70, True)
    assert sum(schedule.evaluates_at(step) for step in range(1, 1001)) == 10
    assert schedule_for(Recipe(steps=1000, evaluate_every=3), 70, True).evaluate_every == 3
    assert schedule_for(Recipe(steps=1000, evaluate_every=3), 70, False).evaluate_every == 0


def test_measuring_leaves_the_trainer_as_it_was(opened: "Opener", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "_MEASURE_SECONDS", 0.1)
    measured, left_alone = opened(name="a", dropout=0.1), opened(name="b", dropout=0.1)
    progress = copy.deepcopy(measured.trainer.progress)
    speed = measure(measured.trainer)
    assert speed.step > 0
    assert speed.character > 0
    assert measured.trainer.progress == progress
    for session in (measured, left_alone):
        for _ in session.reports():
            pass
    ours, theirs = (
        checkpoint.load(session.folder.checkpoints / "step-000000000030.safetensors").tensors
        for session in (measured, left_alone)
    )
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name], array)


def test_minutes_become_steps_that_are_recorded_so_that_the_run_can_be_repeated(
    opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_MEASURE_SECONDS", 0.1)
    planned = opened(name="planned", steps=None, minutes=0.05, evaluate_every=20, cell="gru")
    steps = planned.facts.schedule.steps
    assert steps > 20
    repeated = opened(name="repeated", steps=steps, evaluate_every=20, cell="gru")
    models = []
    for session in (planned, repeated):
        reports = session.reports()
        while session.trainer.progress.step < 20:
            next(reports)
        session.save()
        models.append(file.read(session.folder.path))
    recorded, again = models
    assert recorded.training["schedule_steps"] == steps
    assert recorded.training["recipe"]["minutes"] == 0.05
    found, _ = checkpoint.load_latest(planned.folder.checkpoints)
    assert found is not None
    assert found.facts.schedule.steps == steps
    assert again.training["validation_loss"] == recorded.training["validation_loss"]
    for name, array in recorded.tensors.items():
        np.testing.assert_array_equal(again.tensors[name], array)


def test_a_run_in_minutes_goes_on_with_the_steps_that_were_planned(opened: "Opener") -> None:
    first = opened(steps=None, minutes=0.05)
    steps = first.facts.schedule.steps
    first.close()
    assert opened(steps=None, minutes=0.05, request={"resume": True}).facts.schedule.steps == steps


class Clock:
    """Tells a second for each place that a network has gone along, however many rows at a time."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_in_a_short_run_an_evaluation_is_measured_by_a_part_of_it(
    opened: "Opener", monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, clock, read = opened(validation=0.4).trainer, Clock(), list[int]()

    def windowed(_: Network, part: Ids, window: int = 256, ranks: Ranks | None = None) -> None:
        read.append(len(part))
        clock.now += window

    def streamed(_: Network, part: Ids, streams: int = 4, ranks: Ranks | None = None) -> None:
        read.append(len(part))
        clock.now += len(part) // streams

    monkeypatch.setattr(budget, "time", clock)
    monkeypatch.setattr(budget, "windowed", windowed)
    monkeypatch.setattr(budget, "streamed", streamed)
    assert trainer.validation is not None
    assert len(trainer.validation) == 8000
    whole = 256 + 5000 // 4  # of 5,000 characters: a window's places, and a stream's, of which there are four
    assert measure(trainer, 10.0).character == pytest.approx(whole / 5000)
    assert sum(read) < 2000
    read.clear()
    measure(trainer)
    assert max(read) == 8000


def test_where_steps_are_slow_two_of_them_are_measured(opened: "Opener", monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, clock, taken = opened().trainer, Clock(), list[int]()
    take = EagerUpdates.take
    monkeypatch.setattr(budget, "time", clock)
    for each, wanted in ((0.07, 5), (0.2, 3), (1.0, 2)):  # of ten seconds, three tenths

        def slow(updates: EagerUpdates, batch: Batch, step: int, rate: float, each: float = each) -> None:
            clock.now += each
            taken.append(step)
            take(updates, batch, step, rate)

        taken.clear()
        with monkeypatch.context() as patched:
            patched.setattr(EagerUpdates, "take", slow)
            assert measure(trainer, 10.0).step == pytest.approx(each)
        assert len(taken) == wanted
