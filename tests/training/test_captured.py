"""Updates that are recorded and played again equal those that are done at once.

Where there is no GPU, the recorded work is done by the CPU: everything but the recording itself is tested.
"""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
import torch

from understudy.model.config import ModelConfig
from understudy.model.gpu import Play
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.ranks.contract import Alone, Ranks
from understudy.text.batches import Batches, Lanes, ShuffledChunks
from understudy.text.encoded import Ids
from understudy.training.captured import CapturedUpdates
from understudy.training.loop import Trainer
from understudy.training.optimizer import Optimizer
from understudy.training.recipe import PRESETS, Recipe
from understudy.training.schedule import Schedule
from understudy.training.update import EagerUpdates, NotFiniteError, Updates

V, E, H, B, T = 12, 5, 64, 4, 9
SETTINGS: dict[str, dict[str, Any]] = {
    "auto": {"optimizer": "muon", "weight_decay": 0.3, "average": 0.98, "fresh": 0.25, "dropout": 0.3},
    "adamw": {"optimizer": "adamw", "dropout": 0.0, "clip": 0.1},
    "tutorial": {"optimizer": "adam", "embedding_moment": "occurrences", "clip": 0.0, "cell": "gru"},
    "n-grams": {"optimizer": "muon", "average": 0.9, "ngrams": 31, "fresh": 0.25},
    "two layers": {"optimizer": "muon", "layers": 2, "average": 0.9, "dropout": 0.1},
}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
each_recipe = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def recipe_with(settings: dict[str, Any], device: Literal["cpu", "cuda"] = "cpu") -> Recipe:
    shape: dict[str, Any] = {"units": H, "embedding": E, "batch_size": B, "sequence_length": T}
    return Recipe(**shape, **settings, device=device, precision="float32")


def network_for(recipe: Recipe) -> Network:
    config = ModelConfig(recipe.cell, V, recipe.embedding, recipe.units, recipe.layers, recipe.ngrams)
    network = Network(config, device=recipe.device)
    initialize(network, "default", 3)
    return network


def text(length: int) -> Ids:
    return Ids(np.random.default_rng(0).integers(0, V, length).astype(np.uint8))


def done_at_once(work: Play, generator: torch.Generator | None) -> Play:
    """A stand-in for recording: the work is done a few times, as before recording, and then whenever it is played."""
    for _ in range(3):
        work()
    return work


def played(network: Network, optimizer: Optimizer, recipe: Recipe, ranks: Ranks) -> CapturedUpdates:
    return CapturedUpdates(network, optimizer, recipe, ranks, record=done_at_once)


def both(settings: dict[str, Any], batches: Batches, steps: int) -> Iterator[tuple[Network, Optimizer, Any]]:
    for kind in (EagerUpdates, played):
        recipe = recipe_with(settings)
        network = network_for(recipe)
        optimizer = Optimizer(network, recipe)
        updates: Updates = kind(network, optimizer, recipe, Alone())
        for step in range(steps):
            updates.take(batches[step], step, 0.01 / (step + 1))
        yield network, optimizer, updates


@each_recipe
@pytest.mark.parametrize("kind", ["lanes", "chunks"])
def test_played_updates_equal_those_done_at_once(kind: str, settings: dict[str, Any]) -> None:
    # lanes of 100 characters: steps of 8 and of 9, and a second epoch that shifts the state
    batches = Lanes(text(401), B, T) if kind == "lanes" else ShuffledChunks(text(200), B, T, 1)
    (network, optimizer, eager), (other, again, captured) = both(settings, batches, 15)
    for mine, theirs in zip(other.parameters(), network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        for name, moment in again.moments(mine).items():
            assert torch.equal(moment, optimizer.moments(theirs)[name])
    for layer, expected in zip(captured.state, eager.state, strict=True):
        for part, wanted in zip(layer, expected, strict=True):
            assert torch.equal(part, wanted)
    assert captured.losses() == pytest.approx(eager.losses(), rel=1e-6)


def test_losses_are_summed_from_where_they_are_started_again() -> None:
    ((_, _, eager), (_, _, captured)) = both(SETTINGS["adamw"], Lanes(text(401), B, T), 3)
    total, norm = captured.losses()
    assert total > 3
    assert norm > 0
    for updates in (eager, captured):
        updates.restart(0.1)
        assert updates.losses()[0] == 0.1
    captured.take(Lanes(text(401), B, T)[3], 3, 0.01)
    assert 0.1 < captured.losses()[0] < 0.1 + total


@pytest.mark.parametrize("lost", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite_are_found_when_the_losses_are_asked_for(lost: float) -> None:
    recipe = recipe_with(SETTINGS["adamw"])
    network = network_for(recipe)
    updates = CapturedUpdates(network, Optimizer(network, recipe), recipe, Alone(), record=done_at_once)
    batches = Lanes(text(401), B, T)
    updates.take(batches[0], 0, 0.01)
    updates.losses()
    with torch.no_grad():
        network.output.bias[0] = lost
    for step in (1, 2):  # not only in the last of them
        updates.take(batches[step], step, 0.01)
        with torch.no_grad():
            network.output.bias[0] = 0
    with pytest.raises(NotFiniteError, match="by step 2"):
        updates.losses()


@pytest.mark.gpu
@needs_gpu
@each_recipe
def test_a_recorded_graph_equals_updates_done_at_once(settings: dict[str, Any]) -> None:
    batches, found = Lanes(text(401), B, T), []
    for kind in (EagerUpdates, CapturedUpdates):
        recipe = recipe_with(settings | {"dropout": 0.0}, "cuda")
        network = network_for(recipe)
        updates: Updates = kind(network, Optimizer(network, recipe), recipe, Alone())
        for step in range(15):
            updates.take(batches[step], step, 0.01)
        found.append([*(p.detach() for p in network.parameters()), *updates.state[0]])
    for mine, wanted in zip(*found, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, needs_gpu])])
def test_a_run_repeats_and_learns(device: Literal["cpu", "cuda"]) -> None:
    losses = []
    for _ in range(2):
        recipe = PRESETS["auto"].with_settings(units=H, batch_size=B, sequence_length=T, dropout=0.2, steps=150)
        recipe = recipe.with_settings(device=device, precision="bfloat16", embedding=E)
        periodic = Ids(np.tile(np.arange(V, dtype=np.uint8), 100))
        trainer = Trainer(network_for(recipe), recipe, Schedule(150, 0, 75), Lanes(periodic, B, T), None)
        losses.append([report.train_loss for report in trainer.run() if report is not None])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0][-1] < 0.5 * losses[0][0]
