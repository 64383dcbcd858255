"""Small trainings that one process does alone, and that several share: what they come to, for comparison."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.model.config import NGRAM_LENGTHS, ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.ranks.contract import Ranks
from understudy.runs.run import batches_of
from understudy.text.encoded import Ids
from understudy.training import exchange
from understudy.training.loop import Trainer
from understudy.training.recipe import Recipe, preset
from understudy.training.schedule import Schedule
from understudy.training.update import Chance, gradient

STEPS, V = 50, 31
ASKED = "cases.json"
"""The file in which it stands what is to be trained."""
_LANES: dict[str, Any] = {"units": 24, "embedding": 12, "batch_size": 8, "sequence_length": 12, "seed": 3}
CASES: dict[str, dict[str, Any]] = {
    "lanes": {"cell": "lstm"},
    "gru": {"cell": "gru", "optimizer": "muon"},
    "two layers, Muon, dropout, fresh lanes, a running mean": {
        "layers": 2,
        "optimizer": "muon",
        "dropout": 0.2,
        "fresh": 0.3,
        "average": 0.9,
        "weight_decay": 0.3,
    },
    "chunks": {"batches": "chunks"},
    "n-grams": {"ngrams": 64, "optimizer": "muon"},
    "n-grams by row": {"ngrams": 4},
    "adam without clipping": {"optimizer": "adam", "clip": 0.0},
    "gradients in bfloat16": {"exchange": "bfloat16"},
}


def recipe_of(case: str) -> Recipe:
    if case == "the tutorial's":
        small = {"units": 24, "embedding": 12, "batch_size": 8, "sequence_length": 12, "learning_rate": 0.02}
        return preset("tutorial").with_settings(**small, device="cpu", validation=0.1, seed=3)
    return Recipe(device="cpu", precision="float32", **{**_LANES, **CASES[case]})


EVERY = (*CASES, "the tutorial's")


def some_ids(length: int, seed: int) -> Ids:
    """A text with an order: each symbol is near the last one."""
    steps = np.random.default_rng(seed).choice([-3, -1, 1, 1, 1, 2, 5], length)
    return Ids((np.cumsum(steps) % V).astype(np.uint8), V)


def trainer_of(case: str, ranks: Ranks) -> Trainer:
    """Its text lasts for less than `STEPS` steps, so that an epoch ends on the way."""
    recipe = recipe_of(case)
    network = Network(ModelConfig(recipe.cell, V, recipe.embedding, recipe.units, recipe.layers, recipe.ngrams))
    initialize(network, recipe.initialization, recipe.seed)
    batches = batches_of(some_ids(8 * 12 * 20 + 40, 1), recipe, ranks)
    assert batches.per_epoch < STEPS
    return Trainer(network, recipe, Schedule(STEPS, STEPS, STEPS, 1), batches, some_ids(3_210, 2), ranks=ranks)


def figures(case: str, ranks: Ranks) -> dict[str, NDArray[Any]]:
    """The gradients of the first batch, the loss of each step, and what stands at the end."""
    exchange._MANY = 1 if case == "n-grams by row" else 1 << 17
    trainer, found = trainer_of(case, ranks), dict[str, NDArray[Any]]()
    batch, recipe = trainer.batches[0], trainer.recipe
    inputs, targets = (torch.from_numpy(part) for part in (batch.inputs, batch.targets))
    dropout = Chance(recipe, trainer.device).dropped(recipe, 0, ranks.part(recipe.batch_size))
    given = gradient(trainer.network, inputs, targets, trainer.state, dropout, trainer.updates.exchange)
    for name, parameter in trainer.network.named_parameters():
        if parameter.grad is not None:
            found[f"gradient {name}"] = parameter.grad.numpy().copy()
    found["norm"] = given.norm.numpy()
    found.update({f"sums {number}": part.numpy().copy() for number, part in enumerate(given.sums)})
    if trainer.network.ngrams is not None and trainer.network.ngrams.occurrences is not None:
        occurrences = trainer.network.ngrams.occurrences
        if case == "n-grams by row":
            assert len(occurrences.rows) == (1 if ranks.count > 1 else len(NGRAM_LENGTHS)), "they travelled by row"
            occurrences = occurrences.by_row()
            found["gradient's squares by row"] = occurrences.squares.numpy()
        found["gradient of n-grams"], found["rows"] = occurrences.gradient.numpy(), occurrences.rows.numpy()
    reports = [report for report in trainer.run() if report is not None]
    found["losses"] = np.array([report.train_loss for report in reports])
    last = reports[-1]
    assert last.windowed is not None and last.streamed is not None  # noqa: PT018
    found["scores"] = np.array([last.windowed.loss, last.streamed.loss])
    found["characters"] = np.array(trainer.progress.characters)
    for layer, state in enumerate(trainer.state):
        for part, value in enumerate(state):
            found[f"state {layer} {part}"] = ranks.joined(value, recipe.batch_size).numpy()
    for name, parameter in trainer.network.named_parameters():
        found[f"weights {name}"] = parameter.detach().numpy().copy()
    return found
