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


def test_a_tiny_temperature_does_not_overflow() -> None:
    np.testing.assert_allclose(probabilities(Sampling(1e-300)), [[0, 1, 0, 0]])


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
        ({"top_k": 0}, "--top-k 0"),
        ({"top_p": 0.0}, "--top-p 0.0"),
        ({"top_p": 1.5}, "--top-p 1.5"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Sampling(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, 1.5, "a"])
def test_senseless_seeds_are_refused(seed: object) -> None:
    with pytest.raises(ConfigError, match="--seed"):
        check_seed(seed)
