"""What a run has time for, before anything is measured: held against steps that were timed."""

import pytest

from understudy.runs.choice import choose
from understudy.runs.estimate import learned_in
from understudy.training.recipe import PRESETS, Recipe

V = 65
H200, H200_BEGINS = 1.11e14, 5.5
ON_A_GPU = PRESETS["auto"].with_settings(device="cuda", precision="bfloat16")


@pytest.mark.parametrize(
    ("settings", "milliseconds"),
    [
        ({"units": 128, "batch_size": 32}, 1.04),
        ({"units": 384, "batch_size": 32}, 1.30),
        ({"units": 384, "batch_size": 64}, 1.43),
        ({"units": 768, "batch_size": 64}, 1.84),
        ({"units": 768, "batch_size": 128}, 2.06),
        ({"units": 768, "batch_size": 32, "sequence_length": 128}, 2.82),
        ({"units": 1024, "batch_size": 32}, 1.82),
        ({"units": 1024, "batch_size": 64}, 2.04),
        ({"units": 384, "batch_size": 32, "layers": 2}, 2.42),
        ({"units": 768, "batch_size": 64, "layers": 2}, 3.53),
        ({"units": 384, "batch_size": 32, "precision": "float32"}, 2.45),
        ({"units": 768, "batch_size": 64, "precision": "float32"}, 5.19),
        ({"units": 1024, "batch_size": 64, "precision": "float32"}, 7.53),
    ],
)
def test_a_step_on_a_gpu_is_estimated_as_it_was_timed_on_an_h200(
    settings: dict[str, object], milliseconds: float
) -> None:
    recipe = ON_A_GPU.with_settings(sequence_length=64).with_settings(**settings, minutes=2)
    steps = learned_in(recipe, 1_000_000, V, H200) / (recipe.batch_size * recipe.sequence_length)
    assert 1e3 * (120 - H200_BEGINS) / steps == pytest.approx(milliseconds, rel=0.35)


def test_more_operations_a_second_make_a_gpu_s_step_shorter_only_where_products_are_the_longest_part() -> None:
    recipe = ON_A_GPU.with_settings(units=1024, batch_size=64, minutes=1)
    slow, fast, faster = (learned_in(recipe, 1_000_000, V, rate) for rate in (1e12, H200, 10 * H200))
    assert slow < 0.2 * fast
    assert fast == faster


def test_without_minutes_the_duration_is_what_was_said() -> None:
    assert learned_in(Recipe(steps=7, batch_size=4, sequence_length=10), 1000, V, 1e11) == 280
    assert learned_in(Recipe(epochs=3), 1000, V, 1e11) == 3000


def test_a_gpu_has_time_for_a_large_model_in_a_quarter_of_a_minute() -> None:
    on_gpu = choose(ON_A_GPU.with_settings(minutes=0.25), 1_000_000, V, H200, {})[0]
    on_cpu = choose(
        PRESETS["auto"].with_settings(device="cpu", precision="bfloat16", minutes=0.25), 1_000_000, V, 4e11, {}
    )[0]
    assert (on_cpu.units, on_gpu.units) == (256, 1024)
