"""Every setting is checked; presets and schedules are what they say."""

import math
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
import torch

from understudy.errors import ConfigError
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.text.batches import ShuffledChunks
from understudy.training.recipe import PRESETS, Recipe, flag, plain_type, preset
from understudy.training.schedule import Schedule, learning_rate

if TYPE_CHECKING:
    from tests.runs.conftest import Opener

HINTS = get_type_hints(Recipe)
NUMBERS = [entry for entry in fields(Recipe) if not get_args(plain_type(HINTS[entry.name]))]
CHOICES = [entry for entry in fields(Recipe) if get_args(plain_type(HINTS[entry.name]))]


def wrong_values() -> list[tuple[str, Any]]:
    """A setting and a value that it must not take."""
    wrong: list[tuple[str, Any]] = []
    for entry in NUMBERS:
        low, high = entry.metadata["low"], entry.metadata["high"]
        wrong += [(entry.name, low - 1), (entry.name, high + 1), (entry.name, -1), (entry.name, 10**30)]
        wrong += [(entry.name, value) for value in (math.nan, math.inf, "3", True, [1])]
        if plain_type(HINTS[entry.name]) is int:
            wrong.append((entry.name, 2.5))
    return wrong + [(entry.name, value) for entry in CHOICES for value in ("nonsense", "", 1)]


@pytest.mark.parametrize(("name", "value"), wrong_values())
def test_a_value_out_of_range_is_refused_by_the_name_of_its_flag(name: str, value: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        Recipe().with_settings(**{name: value})
    message = str(raised.value)
    assert message.startswith(flag(name) + " ")
    assert str(value) in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 0),
        ("layers", 0),
        ("embedding", 0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("batch_size", 0),
        ("sequence_length", 0),
        ("learning_rate", 0),
        ("learning_rate", 11),
        ("minutes", 0),
        ("epochs", 0),
        ("steps", 0),
        ("validation", 1),
        ("evaluate_every", 0),
        ("checkpoint_every", 0),
        ("keep", 0),
        ("seed", -1),
        ("seed", 1 << 63),
        ("units", 10**12),
        ("cell", "transformer"),
        ("device", "tpu"),
    ],
)
def test_what_makes_no_sense_is_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=flag(name)):
        Recipe().with_settings(**{name: value})


@pytest.mark.parametrize("entry", NUMBERS, ids=lambda entry: entry.name)
def test_both_ends_of_a_range_belong_to_it(entry: Any) -> None:
    for end in (entry.metadata["low"], entry.metadata["high"]):
        assert getattr(Recipe().with_settings(**{entry.name: end}), entry.name) == end


def test_two_durations_contradict_each_other() -> None:
    with pytest.raises(ConfigError, match="--minutes and --steps"):
        Recipe(minutes=1.0, steps=10)


def test_a_new_duration_takes_the_place_of_the_preset_s() -> None:
    changed = preset("auto").with_settings(epochs=3)
    assert (changed.minutes, changed.epochs, changed.steps) == (None, 3, None)


def test_a_setting_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match="unit: no such setting"):
        Recipe().with_settings(unit=3)


def test_a_preset_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ConfigError) as raised:
        preset("nonsense")
    assert all(name in str(raised.value) for name in ["nonsense", "auto", "tutorial", "tiny"])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_how_long_it_takes(name: str) -> None:
    recipe = preset(name)
    assert [recipe.minutes, recipe.epochs, recipe.steps].count(None) == 2


def test_the_tutorial_preset_is_the_tutorial_s_recipe_to_the_letter() -> None:
    recipe = preset("tutorial").to_document()
    to_the_letter = {
        "cell": "gru",
        "units": 1024,
        "layers": 1,
        "embedding": 256,
        "dropout": 0.0,
        "initialization": "keras",
        "batches": "chunks",
        "batch_size": 64,
        "sequence_length": 100,
        "optimizer": "adam",
        "learning_rate": 0.001,
        "schedule": "constant",
        "warmup": 0.0,
        "beta1": 0.9,
        "beta2": 0.999,
        "clip": 0.0,
        "epochs": 30,
        "checkpoint_epochs": 5,
        "validation": 0.0,
        "precision": "float32",
    }
    assert {name: recipe[name] for name in to_the_letter} == to_the_letter


def test_a_tutorial_run_has_the_tutorial_s_batches_epochs_and_checkpoints(
    tmp_path: Path, opened: "Opener", text: Path
) -> None:
    per_epoch = 2
    short = tmp_path / "short.txt"
    short.write_text(text.read_text()[: per_epoch * 64 * 101 + 6000])  # 59 chunks more, which make no batch
    chosen = preset("tutorial").to_document() | {"units": 4, "embedding": 4, "steps": None}
    session = opened(short, **{name: value for name, value in chosen.items() if value is not None}, steps=None)
    assert isinstance(session.trainer.batches, ShuffledChunks)
    assert session.trainer.validation is None
    assert session.facts.schedule.steps == 30 * per_epoch
    saved = [step for step in range(1, 30 * per_epoch + 1) if session.facts.schedule.saves_at(step)]
    assert saved == [5 * per_epoch * number for number in range(1, 7)]
    assert not any(session.facts.schedule.evaluates_at(step) for step in range(1, 30 * per_epoch + 1))
    batches = [session.trainer.batches[step] for step in range(2 * per_epoch)]
    assert all(batch.inputs.shape == batch.targets.shape == (100, 64) for batch in batches)
    assert [batch.carry for batch in batches] == ["zero", "keep", "zero", "keep"]
    assert [learning_rate(session.facts.recipe, step, 60) for step in (0, 30, 59)] == [0.001] * 3


def test_the_tutorial_s_parameters_start_as_keras_starts_them() -> None:
    V, E, H = 65, 256, 1024
    network = Network(ModelConfig("gru", V, E, H, 1))
    initialize(network, "keras", 0)
    limits = {
        "embedding.weight": 0.05,
        "layers.0.weight_ih": math.sqrt(6 / (E + 3 * H)),
        "layers.0.weight_hh": math.sqrt(6 / (H + 3 * H)),
        "output.weight": math.sqrt(6 / (H + V)),
    }
    for name, parameter in network.named_parameters():
        if "bias" in name:
            assert torch.count_nonzero(parameter) == 0
            continue
        scaled = parameter.detach() / limits[name]
        assert 0.999 < scaled.abs().max() <= 1.00001
        # uniform on ±1: mean 0 and variance 1/3, each within five standard errors of so many draws
        assert abs(scaled.mean()) < 5 * math.sqrt(1 / 3 / scaled.numel())
        assert abs(scaled.square().mean() - 1 / 3) < 5 * math.sqrt(4 / 45 / scaled.numel())


def test_the_rate_rises_in_a_line_through_the_warm_up() -> None:
    recipe = Recipe(learning_rate=0.5, warmup=0.1, schedule="constant")
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert rates[:10] == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])
    assert rates[10:] == [0.5] * 90


def test_the_rate_falls_by_half_a_cosine_to_a_hundredth() -> None:
    recipe = Recipe(learning_rate=2.0, warmup=0.0, schedule="cosine")
    rates = [learning_rate(recipe, step, 1000) for step in range(1001)]
    assert rates[0] == pytest.approx(2.0)
    assert rates[500] == pytest.approx((2.0 + 0.02) / 2)
    assert rates[1000] == pytest.approx(0.02)
    assert rates[999] == pytest.approx(0.02, rel=0.01)
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert rates[250] - rates[500] == pytest.approx(0.99 * math.cos(math.pi / 4))


def test_the_highest_rate_comes_where_the_warm_up_meets_the_cosine() -> None:
    recipe = Recipe(learning_rate=0.01, warmup=0.25, schedule="cosine")
    rates = [learning_rate(recipe, step, 40) for step in range(40)]
    assert max(rates) == pytest.approx(0.01)
    assert rates[9] == rates[10] == max(rates)


def test_a_run_of_one_step_has_a_rate() -> None:
    for kind in ("cosine", "constant"):
        assert learning_rate(Recipe(schedule=kind, learning_rate=0.1), 0, 1) == pytest.approx(0.1)


def test_the_last_step_is_reported_evaluated_and_saved_whatever_the_rhythm() -> None:
    schedule = Schedule(steps=25, evaluate_every=7, checkpoint_every=9)
    steps = range(1, 26)
    assert [step for step in steps if schedule.evaluates_at(step)] == [7, 14, 21, 25]
    assert [step for step in steps if schedule.saves_at(step)] == [9, 18, 25]
    assert [step for step in steps if schedule.reports_at(step)] == [7, 10, 14, 20, 21, 25]
    assert not any(Schedule(25, 0, 9).evaluates_at(step) for step in steps)


@pytest.mark.parametrize(
    ("steps", "apart", "looks"),
    [(25, 1, [7, 14, 21, 25]), (25, 4, [7, 14, 21, 25]), (25, 5, [7, 14, 25]), (21, 4, [7, 14, 21]), (5, 9, [5])],
)
def test_no_evaluation_comes_just_before_the_last(steps: int, apart: int, looks: list[int]) -> None:
    schedule = Schedule(steps=steps, evaluate_every=7, checkpoint_every=9, apart=apart)
    assert [step for step in range(1, steps + 1) if schedule.evaluates_at(step)] == looks
    for done in range(steps + 1):
        assert schedule.evaluations(done) == sum(look > done for look in looks)
    assert Schedule(25, 0, 9).evaluations(0) == 0
