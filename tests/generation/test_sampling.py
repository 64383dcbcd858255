from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.generation.sampling import LARGEST_SEED, Floats, Sampling, check_seed, uniforms

LOGITS = np.log(np.array([[0.1, 0.4, 0.2, 0.3]], np.float32))


def probabilities(sampling: Sampling, logits: Floats = LOGITS) -> NDArray[np.float64]:
    """The distribution over ids that is drawn from."""
    weights, ids = sampling.candidates(logits)
    spread = np.zeros(logits.shape)
    np.put_along_axis(spread, ids, weights / weights.sum(-1, keepdims=True), -1)
    return spread


def test_temperature_one_is_the_softmax() -> None:
    np.testing.assert_allclose(probabilities(Sampling(1.0)), [[0.1, 0.4, 0.2, 0.3]], rtol=1e-6)


def test_temperature_raises_probabilities_to_a_power() -> None:
    expected = np.array([0.1, 0.4, 0.2, 0.3]) ** 2
    np.testing.assert_allclose(probabilities(Sampling(0.5))[0], expected / expected.sum(), rtol=1e-6)


def test_temperature_zero_is_the_most_probable_whatever_is_drawn() -> None:
    for chance in (0.0, 0.5, 0.999999):
        assert Sampling(0.0).draw(LOGITS, np.array([chance])).tolist() == [1]


@pytest.mark.parametrize("temperature", [1e-3, 1e-20, 1e-29, 1e-31, 1e-300, 1e-308, 5e-324])
def test_as_the_temperature_falls_the_most_probable_comes(temperature: float) -> None:
    np.testing.assert_allclose(probabilities(Sampling(temperature)), [[0, 1, 0, 0]], atol=1e-100)
    assert Sampling(temperature).draw(LOGITS, np.array([0.999999])).tolist() == [1]


def test_top_k_keeps_the_most_probable() -> None:
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_k=2)), [[0, 4 / 7, 0, 3 / 7]], rtol=1e-6)


def test_top_k_beyond_the_vocabulary_keeps_all() -> None:
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_k=99)), probabilities(Sampling(1.0)))


def test_top_p_keeps_the_fewest_that_reach_the_sum() -> None:
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_p=0.4)), [[0, 1, 0, 0]])
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_p=0.41)), [[0, 4 / 7, 0, 3 / 7]], rtol=1e-6)
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_p=1e-9)), [[0, 1, 0, 0]])
    np.testing.assert_allclose(probabilities(Sampling(1.0, top_p=1.0)), [[0.1, 0.4, 0.2, 0.3]], rtol=1e-6)


def test_top_p_counts_what_top_k_left() -> None:
    # of 0.4 and 0.3, 4/7 = 0.571 reaches 0.55 alone
    np.testing.assert_allclose(probabilities(Sampling(1.0, 2, 0.55)), [[0, 1, 0, 0]])


def test_draws_come_as_often_as_they_are_probable() -> None:
    sampling = Sampling(1.0, top_k=3)
    many = np.repeat(LOGITS, 100_000, 0)
    counts = np.bincount(sampling.draw(many, uniforms(7, 0, 100_000)), minlength=4) / 100_000
    np.testing.assert_allclose(counts, [0, 4 / 9, 2 / 9, 3 / 9], atol=0.006)


def test_draws_never_fall_outside_even_at_the_edges() -> None:
    chances = np.array([0.0, np.nextafter(1.0, 0.0)])
    for sampling in (Sampling(1.0), Sampling(1.0, top_k=2), Sampling(1.0, top_p=0.5)):
        drawn = sampling.draw(np.repeat(LOGITS, 2, 0), chances)
        shares = probabilities(sampling)[0]
        assert all(shares[place] > 0 for place in drawn)


def test_any_place_of_a_random_sequence_can_be_asked_for() -> None:
    whole = uniforms(123, 0, 50)
    for start in range(45):
        assert np.array_equal(uniforms(123, start, 5), whole[start : start + 5])
    assert not np.array_equal(uniforms(124, 0, 50), whole)
    assert ((whole >= 0) & (whole < 1)).all()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"temperature": -0.1}, "--temperature -0.1"),
        ({"temperature": float("nan")}, "--temperature nan"),
        ({"temperature": float("inf")}, "--temperature inf"),
        ({"temperature": True}, "--temperature True"),
        ({"temperature": 10**400}, "--temperature 1000"),
        ({"top_k": 0}, "--top-k 0"),
        ({"top_k": 2.5}, "--top-k 2.5"),
        ({"top_p": 0.0}, "--top-p 0.0"),
        ({"top_p": 1.5}, "--top-p 1.5"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Sampling(**settings)  # type: ignore[arg-type]


def test_numbers_of_numpy_s_become_plain_ones() -> None:
    numbers: dict[str, Any] = {"temperature": np.float32(0.5), "top_k": np.int64(3), "top_p": np.float64(0.25)}
    sampling = Sampling(**numbers)
    assert sampling == Sampling(0.5, 3, 0.25)
    assert [type(sampling.temperature), type(sampling.top_k), type(sampling.top_p)] == [float, int, float]
    assert type(check_seed(np.uint64(LARGEST_SEED))) is int


def test_ids_are_64_bits_wide_on_every_system() -> None:
    for sampling in (Sampling(0.0), Sampling(1.0), Sampling(1.0, 2), Sampling(1.0, None, 0.5)):
        assert sampling.candidates(LOGITS)[1].dtype == np.int64
        assert sampling.draw(LOGITS, np.array([0.5])).dtype == np.int64


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, 1.5, "a", True, None])
def test_senseless_seeds_are_refused(seed: object) -> None:
    with pytest.raises(ConfigError, match="--seed"):
        check_seed(seed)
