"""The same bytes from run to run, with two threads, at sizes where threads race."""

import numpy as np
import pytest
import torch

from understudy.model import parameters
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.model.ngrams import NGrams, Occurrences
from understudy.text.batches import Lanes
from understudy.text.encoded import Ids
from understudy.training.loop import Trainer
from understudy.training.recipe import PRESETS, Recipe
from understudy.training.schedule import Schedule

AUTO = PRESETS["auto"].with_settings(steps=6, sequence_length=64, batch_size=64, units=64, embedding=32, device="cpu")
RECIPES: dict[str, Recipe] = {
    "n-grams": AUTO.with_settings(ngrams=1021, dropout=0.2),
    "dropout and fresh lanes": AUTO.with_settings(dropout=0.3),
    "bfloat16": AUTO.with_settings(precision="bfloat16"),
    "the tutorial's squares": AUTO.with_settings(optimizer="adam", embedding_moment="occurrences", cell="gru"),
    "two layers": AUTO.with_settings(layers=2),
}


@pytest.fixture
def two_threads() -> None:
    torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def back_to_one() -> object:
    yield
    torch.set_num_threads(1)


FEW, MANY = 40, 6000
"""Symbols: fewer than places in a batch, and more; the input's products are made in another way then."""


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("name", "symbols"),
    [("n-grams", FEW)]
    + [pytest.param(name, symbols, marks=pytest.mark.slow) for name in RECIPES for symbols in (FEW, MANY)],
)
def test_runs_repeat_to_the_byte_with_two_threads(name: str, symbols: int) -> None:
    recipe = RECIPES[name]
    recipe = recipe if recipe.precision != "auto" else recipe.with_settings(precision="float32")
    rare = np.random.default_rng(0).pareto(1.0, 30_000).astype(np.int64) % symbols
    ids = Ids(rare.astype(np.uint16))
    found = []
    for _ in range(2):
        config = ModelConfig(recipe.cell, symbols, recipe.embedding, recipe.units, recipe.layers, recipe.ngrams)
        network = Network(config, precision=getattr(torch, recipe.precision))
        initialize(network, "default", 0)
        batches = Lanes(ids, recipe.batch_size, recipe.sequence_length)
        trainer = Trainer(network, recipe, Schedule(6, 0, 100), batches, None)
        for _ in trainer.run():
            pass
        found.append({key: array.copy() for key, array in parameters.arrays(network).items()})
    for key, array in found[0].items():
        assert all(np.array_equal(array, other[key]) for other in found[1:]), key


@pytest.mark.usefixtures("two_threads")
def test_occurrences_of_one_row_are_added_in_one_order() -> None:
    """As many rows as `auto` has, most of them the same ones."""
    config = ModelConfig("lstm", 5, 32, 8, 1, 1009)
    generator = torch.Generator().manual_seed(0)
    rows = torch.stack([torch.randint(0, 20, (4096,), generator=generator) + 1009 * place for place in range(5)])
    gradient = torch.randn(4096, 16, generator=generator)
    found = []
    for _ in range(5):
        table = NGrams(config)
        table.start()
        squares = torch.zeros(5 * 1009)
        for _ in range(20):
            table.occurrences = Occurrences.of(rows, gradient)
            table.learn(squares, torch.tensor(0.1))
        found.append((table.weight.detach().clone(), squares))
    assert found[0][0].abs().sum() > 0
    assert all(torch.equal(found[0][0], weight) and torch.equal(found[0][1], sums) for weight, sums in found[1:])
