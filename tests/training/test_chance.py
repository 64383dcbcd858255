"""Randomness is a function of the seed, the purpose and the step; all bits of a seed count, and nothing is shared."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tests.runs.helpers import finish, weights
from understudy.model.chance import CpuDraws, Purpose, uniform
from understudy.model.config import ModelConfig
from understudy.model.initialization import SCHEMES, Scheme, initialize
from understudy.model.network import Dropout, Network
from understudy.ranks.contract import Alone
from understudy.text.batches import ALL
from understudy.training.recipe import Recipe
from understudy.training.update import Chance, carried

if TYPE_CHECKING:
    from tests.runs.conftest import Opener

SEEDS = (0, 1, 1 << 32, (1 << 32) + 1, 1 << 62, (1 << 63) - 1)
PURPOSES: tuple[Purpose, ...] = ("start", "dropout", "fresh")


def drawn(seed: int, purpose: Purpose, step: int, count: int = 256) -> torch.Tensor:
    draws = CpuDraws(seed, purpose)
    draws.go_to(step)
    return draws.words(count)


def test_no_number_is_drawn_twice_whatever_the_seed_the_purpose_and_the_step() -> None:
    places = [(seed, purpose, step) for seed in SEEDS for purpose in PURPOSES for step in (0, 1, 2, 1 << 32, 1 << 40)]
    numbers = torch.cat([drawn(*place) for place in places])
    assert len(set(numbers.tolist())) == len(places) * 256


def test_a_place_gives_the_same_numbers_whatever_was_drawn_before() -> None:
    draws = CpuDraws(3, "dropout")
    draws.go_to(8)
    draws.words(1000)
    draws.go_to(7)
    assert torch.equal(draws.words(10), drawn(3, "dropout", 7, 10))
    assert torch.equal(draws.words(5), drawn(3, "dropout", 7, 15)[10:]), "numbers go on from call to call"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_bit_of_the_seed_counts_for_where_the_parameters_start(scheme: Scheme) -> None:
    def started(seed: int) -> torch.Tensor:
        network = Network(ModelConfig("lstm", 5, 4, 6, 1))
        initialize(network, scheme, seed)
        return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])

    found = [started(seed) for seed in SEEDS]
    assert all(not torch.equal(one, other) for one, other in combinations(found, 2))
    assert torch.equal(found[2], started(SEEDS[2]))


def test_dropout_and_fresh_lanes_draw_from_numbers_of_their_own() -> None:
    """With the same share of both, what is dropped tells nothing of the lanes that start afresh."""
    recipe = Recipe(fresh=0.5, dropout=0.5, batch_size=4096)
    chance = Chance(recipe, torch.device("cpu"))
    ((h, _),) = carried(((torch.ones(4096, 1), torch.ones(4096, 1)),), "keep", recipe, chance, 9, Alone())
    chance.dropout.go_to(9)
    kept = Dropout(0.5, chance.dropout.words, 4, ALL)(torch.ones(4096, 4)) > 0
    for column in range(4):
        assert abs(float((kept[:, column] == (h[:, 0] > 0)).float().mean()) - 0.5) < 0.04


def test_uniform_numbers_fill_the_interval_evenly() -> None:
    found = uniform(drawn(1, "fresh", 0, 100_000)).numpy()
    assert 0 <= found.min() < 1e-3
    assert 1 - 1e-3 < found.max() < 1
    assert np.abs(np.histogram(found, 10, (0, 1))[0] - 10_000).max() < 500


def test_a_seed_and_the_one_32_bits_above_it_are_two_runs(opened: "Opener") -> None:
    found = []
    for name, seed in (("one", 5), ("other", 5 + (1 << 32)), ("again", 5)):
        session = opened(name=name, seed=seed, steps=3, dropout=0.2, fresh=0.3)
        finish(session)
        found.append(np.concatenate([array.ravel() for array in weights(session.trainer).values()]))
    assert not np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
