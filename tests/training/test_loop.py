"""What a step does to the weights, what it must not do, and what is kept of a run."""

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from understudy.cli.main import main
from understudy.errors import ConfigError, DivergedError
from understudy.model import file, parameters
from understudy.model.config import GATES
from understudy.model.parameters import network_of
from understudy.training import checkpoint
from understudy.training.loop import NotFiniteError, Report, Trainer
from understudy.training.session import Session, Setback

if TYPE_CHECKING:
    from tests.training.conftest import Opener


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
    before = checkpoint.load(checkpoint.save(tmp_path / "before", session.facts, trainer, {}))
    with pytest.raises(NotFiniteError) as raised:
        take(trainer, 1)
    assert raised.value.step == 7
    after = checkpoint.load(checkpoint.save(tmp_path / "after", session.facts, trainer, {}))
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
    for carried, whole in zip(session.trainer.state, expected, strict=True):
        for one, other in zip(carried, whole, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


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
def other_text(tmp_path: Path, text: Path) -> Path:
    path = tmp_path / "other.txt"
    path.write_text(text.read_text()[:5000] + "0Ωж漢", encoding="utf-8")
    return path


def test_a_model_started_from_another_predicts_as_that_one_among_its_symbols(
    finished: Path, other_text: Path, opened: "Opener"
) -> None:
    old = file.read(finished)
    session = opened(other_text, name="next", layers=2, request={"origin": finished})
    before, now = network_of(old), session.trainer.network
    symbols = session.facts.vocabulary.characters
    assert set(symbols) == set(old.vocabulary.characters) | set("0Ωж漢")
    assert symbols == "".join(sorted(symbols))
    prompt = "The time and the place"
    known = [symbols.index(character) for character in old.vocabulary.characters]
    with torch.no_grad():
        theirs, _ = before(torch.from_numpy(old.vocabulary.encode(prompt))[:, None], before.zero_state(1))
        ours, _ = now(torch.from_numpy(session.facts.vocabulary.encode(prompt))[:, None], now.zero_state(1))
    torch.testing.assert_close(ours[..., known].log_softmax(-1), theirs.log_softmax(-1), atol=1e-5, rtol=0)
    new = [symbols.index(character) for character in "0Ωж漢"]
    assert (ours[..., new] < ours[..., known].amax(-1, keepdim=True)).all()


def test_a_model_started_from_another_says_which_characters_are_new(
    finished: Path, other_text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(other_text), "--from", str(finished), "--out", str(tmp_path / "next"), "--steps", "3"]
    assert main([*arguments, "--batch-size", "4", "--sequence-length", "16"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "new to the model" in line]
    for character in "0Ωж漢":
        assert f"'{character}' (U+{ord(character):04X})" in line
    model = file.read(tmp_path / "next")
    assert model.config.units == file.read(finished).config.units
    assert GATES[model.config.cell] == GATES[file.read(finished).config.cell]
    assert model.training["origin"]["steps"] == 30


def test_a_shape_that_contradicts_the_model_to_start_from_is_refused(
    finished: Path, other_text: Path, opened: "Opener"
) -> None:
    with pytest.raises(ConfigError, match="--units 13: the model to start from has 12"):
        opened(other_text, name="next", units=13, layers=2, request={"origin": finished})


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
