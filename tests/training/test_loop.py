"""What a step does to the weights, what it must not do, and what is kept of a run."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from tests.runs.helpers import assert_equal, finish, reports_of, take, weights
from understudy.evaluation.protocols import windowed
from understudy.model import file
from understudy.model.parameters import network_of
from understudy.ranks.contract import Alone
from understudy.runs.session import Session
from understudy.training.loop import Report
from understudy.training.recipe import Recipe
from understudy.training.update import Chance, carried

if TYPE_CHECKING:
    from tests.runs.conftest import Opener


@pytest.mark.parametrize("clip", [0.01, 0.1])
def test_clipping_holds_the_norm_and_keeps_the_direction(clip: float, opened: "Opener") -> None:
    free, held = opened(name="free", clip=0.0).trainer, opened(name="held", clip=clip).trainer
    for trainer in (free, held):
        take(trainer, 1)
    whole, clipped = (
        torch.cat(
            [parameter.grad.flatten() for parameter in trainer.network.parameters() if parameter.grad is not None]
        )
        for trainer in (free, held)
    )
    assert whole.norm() > clip
    assert clipped.norm().item() == pytest.approx(clip, rel=1e-4)
    assert F.cosine_similarity(whole, clipped, 0).item() == pytest.approx(1, abs=1e-5)


def test_a_gradient_below_the_limit_is_left_alone(opened: "Opener") -> None:
    free, held = opened(name="free", clip=0.0).trainer, opened(name="held", clip=1e6).trainer
    for trainer in (free, held):
        take(trainer, 1)
    assert_equal(weights(free), weights(held))


def test_the_reported_norm_is_the_one_before_clipping(opened: "Opener") -> None:
    (report,) = reports_of(opened(name="held", steps=1, clip=0.001).trainer)
    (free,) = reports_of(opened(name="free", steps=1, clip=0.0).trainer)
    assert report.gradient_norm == free.gradient_norm
    assert report.gradient_norm > 0.001


def still(opened: "Opener", *texts: Path, **settings: Any) -> Session:
    """A session that hardly learns, so that its losses and states can be computed from the weights alone."""
    return opened(*texts, learning_rate=1e-9, weight_decay=0.0, clip=0.0, **settings)


def test_the_reported_loss_is_the_mean_of_the_steps_since_the_last_report(opened: "Opener") -> None:
    session = still(opened, cell="gru", steps=20, evaluate_every=20)
    network, batches = copy.deepcopy(session.trainer.network), session.trainer.batches
    state = network.zero_state(4)
    losses = []
    with torch.no_grad():
        for step in range(20):
            batch = batches[step]
            logits, state = network(torch.from_numpy(batch.inputs), state)
            losses.append(F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten()).item())
    first, second = reports_of(session.trainer)
    assert first.train_loss == pytest.approx(sum(losses[:10]) / 10, abs=1e-5)
    assert second.train_loss == pytest.approx(sum(losses[10:]) / 10, abs=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_carried_state_is_that_of_each_lane_read_from_its_beginning(cell: str, opened: "Opener") -> None:
    session = still(opened, cell=cell, steps=6)
    reports_of(session.trainer)
    network = session.trainer.network
    blocks = [torch.from_numpy(session.trainer.batches[step].inputs) for step in range(6)]
    with torch.no_grad():
        _, expected = network(torch.cat(blocks), network.zero_state(4))
    for mine, whole in zip(session.trainer.state, expected, strict=True):
        for one, other in zip(mine, whole, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_some_lanes_start_afresh_and_which_is_a_function_of_seed_and_step() -> None:
    def zeroed(seed: int, step: int) -> list[bool]:
        recipe = Recipe(fresh=0.5, seed=seed, batch_size=40)
        ones = ((torch.ones(40, 3), torch.ones(40, 3)),)
        ((h, c),) = carried(ones, "keep", recipe, Chance(recipe, torch.device("cpu")), step, Alone())
        assert torch.equal(h, c)
        assert all(set(lane.tolist()) in ({0.0}, {1.0}) for lane in h)
        return [not lane.any() for lane in h]

    lanes = zeroed(1, 3)
    assert 8 < sum(lanes) < 32
    assert zeroed(1, 4) != lanes
    assert zeroed(2, 3) != lanes
    assert zeroed(1, 3) == lanes


def test_at_the_end_of_an_epoch_each_lane_goes_on_in_the_text_of_the_next(
    opened: "Opener", tmp_path: Path, text: Path
) -> None:
    short = tmp_path / "short.txt"
    short.write_text(text.read_text()[:1000])
    session = still(opened, short, cell="gru", steps=99)
    trainer = session.trainer
    per_epoch = trainer.batches.per_epoch
    take(trainer, per_epoch + 1)
    lane = torch.cat([torch.from_numpy(trainer.batches[step].inputs) for step in range(per_epoch)])
    begun = torch.from_numpy(trainer.batches[per_epoch].inputs)
    with torch.no_grad():
        _, expected = trainer.network(torch.cat([lane[:, :-1], begun[:, 1:]]), trainer.network.zero_state(3))
        _, fresh = trainer.network(begun[:, :1], trainer.network.zero_state(1))
    torch.testing.assert_close(trainer.state[0][0][1:], expected[0][0], atol=1e-5, rtol=0)
    torch.testing.assert_close(trainer.state[0][0][:1], fresh[0][0], atol=1e-5, rtol=0)


def test_shuffled_chunks_start_each_epoch_from_zero(opened: "Opener", tmp_path: Path, text: Path) -> None:
    short = tmp_path / "short.txt"
    short.write_text(text.read_text()[:1000])
    session = still(opened, short, cell="gru", batches="chunks", steps=99)
    trainer = session.trainer
    take(trainer, trainer.batches.per_epoch + 1)
    with torch.no_grad():
        first = torch.from_numpy(trainer.batches[trainer.batches.per_epoch].inputs)
        _, expected = trainer.network(first, trainer.network.zero_state(4))
    torch.testing.assert_close(trainer.state[0][0], expected[0][0], atol=1e-5, rtol=0)


def test_a_report_comes_at_least_every_ten_steps_and_at_the_last(opened: "Opener") -> None:
    steps = [report.step for report in reports_of(opened(steps=34, evaluate_every=15).trainer)]
    assert steps == [10, 15, 20, 30, 34]


def test_a_run_learns(opened: "Opener") -> None:
    session = opened(steps=150, evaluate_every=50, units=32)
    scores = [report for report in reports_of(session.trainer) if report.windowed is not None]
    assert len(scores) == 3
    uniform = math.log(len(session.facts.vocabulary))
    losses = [report.windowed.loss for report in scores if report.windowed is not None]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < uniform - 0.5


def test_the_same_seed_gives_the_same_weights_and_another_seed_gives_others(opened: "Opener") -> None:
    runs = [opened(name=str(place), seed=seed, dropout=0.2) for place, seed in enumerate((4, 4, 5))]
    for session in runs:
        finish(session)
    one, same, other = ((session.folder.path / "model.safetensors").read_bytes() for session in runs)
    assert one == same
    assert one != other


def test_a_run_may_be_taken_up_between_any_two_steps(opened: "Opener") -> None:
    whole, parts = opened(name="whole", dropout=0.1).trainer, opened(name="parts", dropout=0.1).trainer
    reports_of(whole)
    while parts.progress.step < 30:
        take(parts, 7)
    assert_equal(weights(parts), weights(whole))
    assert parts.progress.train_loss == whole.progress.train_loss


@pytest.fixture
def overfitting(opened: "Opener", tmp_path: Path) -> Session:
    """A run whose validation text is unlike its text: the better it knows the one, the worse it guesses the other."""
    mixed = tmp_path / "mixed.txt"
    mixed.write_text("abcdefghij" * 180 + "jhfdbigeca" * 20)
    return opened(mixed, steps=120, evaluate_every=10, checkpoint_every=120, learning_rate=0.05, validation=0.1)


def test_the_model_file_holds_the_weights_of_the_best_evaluation(overfitting: Session) -> None:
    at: dict[int, dict[str, NDArray[np.float32]]] = {}
    losses: dict[int, float] = {}
    for report in overfitting.reports():
        if isinstance(report, Report) and report.windowed is not None:
            at[report.step] = weights(overfitting.trainer)
            losses[report.step] = report.windowed.loss
    best = min(losses, key=lambda step: losses[step])
    assert best < 120, "the last evaluation is the best, and the test shows nothing"
    assert overfitting.result()["best_step"] == best
    assert overfitting.result()["validation_loss"] == losses[best]
    model = file.read(overfitting.folder.path)
    assert model.training["steps"] == best
    assert model.training["validation_loss"] == losses[best]
    assert_equal(dict(model.tensors), dict(at[best]))


def test_without_a_validation_text_the_model_file_holds_the_last_weights(opened: "Opener") -> None:
    session = opened(validation=0.0, checkpoint_every=7)
    finish(session)
    model = file.read(session.folder.path)
    assert model.training["steps"] == 30
    assert model.training["validation_loss"] is None
    assert_equal(dict(model.tensors), dict(weights(session.trainer)))


def test_the_running_mean_of_the_weights_is_evaluated_and_kept(opened: "Opener") -> None:
    session = opened(average=0.8, evaluate_every=30)
    trainer, means = session.trainer, None
    for step, _ in enumerate(session.reports()):
        share = 1 - min(0.8, step / (step + 1))
        now = weights(trainer)
        means = {name: array + share * (now[name] - array) for name, array in (means or now).items()}
    assert means is not None
    written = file.read(session.folder.model)
    for name, mean in means.items():
        np.testing.assert_allclose(written.tensors[name], mean, atol=1e-6, err_msg=name)
    assert trainer.validation is not None
    assert written.training["validation_loss"] == windowed(network_of(written), trainer.validation).loss
    assert any(np.abs(written.tensors[name] - array).max() > 1e-4 for name, array in weights(trainer).items())


def test_a_validation_loss_that_is_no_number_is_not_the_best(opened: "Opener") -> None:
    trainer = opened(evaluate_every=10).trainer
    with torch.no_grad():
        trainer.network.output.bias.fill_(-3e38)
        trainer.network.output.bias[:2] = 3e38
    scores = trainer.evaluate()
    assert scores[0] is not None
    assert not math.isfinite(scores[0].loss)
    assert trainer._note_best(*scores) is False
    assert trainer.progress.best_loss == math.inf


def test_the_model_file_says_how_it_was_trained(opened: "Opener", text: Path) -> None:
    session = opened(evaluate_every=10)
    finish(session)
    training = file.read(session.folder.path).training
    assert training["recipe"] == session.facts.recipe.to_document()
    assert training["corpus"]["characters"] == 20_000
    assert training["corpus"]["name"] == text.stem
    assert training["corpus"]["train_characters"] + training["corpus"]["validation_characters"] == 20_000
    assert not any("second" in name or "time" in name for name in training)


@pytest.fixture
def quiet_tensorboard() -> Iterator[None]:
    """TensorBoard's own imports warn of things that are not ours."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("tensorboard")
        yield


@pytest.mark.usefixtures("quiet_tensorboard")
def test_tensorboard_shows_what_the_metrics_hold(opened: "Opener") -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    session = opened(evaluate_every=15, request={"tensorboard": True})
    finish(session)
    session.close()
    lines = [json.loads(line) for line in (session.folder.path / "metrics.jsonl").read_text().splitlines()]
    events = EventAccumulator(str(session.folder.path / "tensorboard"))
    events.Reload()
    for name in ("train_loss", "learning_rate", "validation_loss", "gradient_norm"):
        shown = {event.step: event.value for event in events.Scalars(name)}
        expected = {line["step"]: pytest.approx(line[name], rel=1e-6) for line in lines if name in line}
        assert expected
        assert shown == expected


def test_without_the_flag_there_are_no_tensorboard_events(opened: "Opener") -> None:
    session = opened(steps=2)
    finish(session)
    assert not (session.folder.path / "tensorboard").exists()
