"""The training state on disk: safetensors only, each file whole or not there, the last few kept."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.errors import CheckpointError, ConfigError, ModelFileError
from understudy.model import container, parameters
from understudy.model.config import ModelConfig
from understudy.text.vocabulary import Vocabulary
from understudy.training.loop import Progress, Trainer
from understudy.training.optimizer import moment_names, moment_shape
from understudy.training.recipe import Recipe
from understudy.training.schedule import Schedule


@dataclass(frozen=True)
class Facts:
    """What a run is made of; it does not change while the run goes on.

    Attributes:
        preset: name of the recipe that it began with.
        config: the model's shape.
        vocabulary: the model's symbols.
        recipe: all settings, as resolved for this machine.
        schedule: the numbers of steps that the recipe came to.
        texts: what was learned from: names to open it again by, how it was read, its length and digest.
        origin: the model that the weights came from, where the run continues one.
        environment: versions and threads, on which the last bit of the result may depend.
        held_back: how a run went that held text back, for the one on the whole text that followed it.
    """

    preset: str
    config: ModelConfig
    vocabulary: Vocabulary
    recipe: Recipe
    schedule: Schedule
    texts: dict[str, Any]
    origin: dict[str, Any] | None
    environment: dict[str, Any]
    held_back: dict[str, Any] | None = None

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "preset": self.preset,
            "config": self.config.to_document(),
            "vocabulary": self.vocabulary.to_document(),
            "recipe": self.recipe.to_document(),
            "schedule": asdict(self.schedule),
            "texts": self.texts,
            "origin": self.origin,
            "environment": self.environment,
            "held_back": self.held_back,
        }


@dataclass(frozen=True)
class Checkpoint:
    """A complete training state.

    Attributes:
        facts: what the run is made of.
        progress: where it stands.
        written: bytes of each growing file of the run folder that belong to the steps done.
        tensors: weights, the optimiser's moments, and the carried state.
    """

    facts: Facts
    progress: Progress
    written: dict[str, int]
    tensors: container.Tensors

    def restore(self, trainer: Trainer) -> None:
        """Put the trainer where this checkpoint stands."""
        parameters.put(trainer.network, _under("weights.", self.tensors))
        for name, parameter in trainer.network.named_parameters():
            names = moment_names(self.facts.recipe, name)
            moments = {moment: _tensor(self.tensors[f"{moment}.{name}"], trainer.device) for moment in names}
            trainer.optimizer.restore(parameter, moments)
        trainer.state = tuple(
            tuple(_tensor(self.tensors[f"state.{layer}.{part}"], trainer.device) for part in range(len(widths)))
            for layer, widths in enumerate(self.facts.config.state_widths)
        )
        for entry in fields(Progress):
            setattr(trainer.progress, entry.name, getattr(self.progress, entry.name))
        trainer.updates.restart(self.progress.loss_sum)


def save(folder: Path, facts: Facts, trainer: Trainer, written: dict[str, int]) -> Path:
    """Write the trainer's state; older checkpoints beyond the recipe's `keep` go.

    Raises:
        StorageError: the disk refused; the checkpoints that were there still are.
    """
    tensors: dict[str, NDArray[Any]] = {
        f"weights.{name}": array for name, array in parameters.arrays(trainer.network).items()
    }
    for name, parameter in trainer.network.named_parameters():
        for moment, value in trainer.optimizer.moments(parameter).items():
            tensors[f"{moment}.{name}"] = value.cpu().numpy()
    for layer, state in enumerate(trainer.state):
        for part, value in enumerate(state):
            tensors[f"state.{layer}.{part}"] = value.cpu().numpy()
    progress = {name: _jsonable(value) for name, value in asdict(trainer.progress).items()}
    document = {**facts.to_document(), "progress": progress, "written": written}
    path = folder / f"step-{trainer.progress.step:012d}.safetensors"
    container.write(path, "training state", document, tensors)
    for old in _paths(folder)[facts.recipe.keep :]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        ModelFileError: the file is not an intact training state of ours.
    """
    seen: list[tuple[Facts, Progress, dict[str, int]]] = []

    def expected(document: dict[str, Any]) -> container.Shapes:
        try:
            facts = _facts(document)
            seen.append((facts, _progress(document["progress"]), _written(document["written"])))
        except (ConfigError, ModelFileError, KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{path}: its description is not a training state's: {error}") from error
        return dict(_shapes(facts))

    _, tensors = container.read(path, "training state", expected)
    return Checkpoint(*seen[0], tensors)


def load_latest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest intact checkpoint of a folder, and why newer ones were passed over.

    Raises:
        CheckpointError: there are checkpoints, but none is intact.
    """
    passed_over: list[str] = []
    for path in _paths(folder):
        try:
            return load(path), passed_over
        except ModelFileError as error:
            passed_over.append(str(error))
    if passed_over:
        raise CheckpointError(
            f"{folder}: no checkpoint is intact: {'; '.join(passed_over)}; start a new run in another folder"
        )
    return None, []


def _paths(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)


def _facts(document: dict[str, Any]) -> Facts:
    return Facts(
        str(document["preset"]),
        ModelConfig.from_document(document["config"]),
        Vocabulary.from_document(document["vocabulary"]),
        Recipe(**document["recipe"]),
        Schedule(**document["schedule"]),
        dict(document["texts"]),
        document["origin"],
        dict(document["environment"]),
        document["held_back"],
    )


def _progress(figures: dict[str, Any]) -> Progress:
    values: dict[str, Any] = {name: math.inf if value is None else value for name, value in figures.items()}
    progress = Progress(**values)
    for entry in fields(progress):
        kinds = (int,) if entry.type is int else (int, float)
        if type(getattr(progress, entry.name)) not in kinds:
            raise TypeError(f"{entry.name} is no number")
    return progress


def _written(lengths: dict[str, Any]) -> dict[str, int]:
    if not all(type(length) is int and length >= 0 for length in lengths.values()):
        raise TypeError("the lengths of its files are no whole numbers")
    return dict(lengths)


def _shapes(facts: Facts) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, shape in facts.config.shapes().items():
        yield f"weights.{name}", shape
        for moment in moment_names(facts.recipe, name):
            yield f"{moment}.{name}", moment_shape(moment, shape)
    for layer, widths in enumerate(facts.config.state_widths):
        for part, width in enumerate(widths):
            yield f"state.{layer}.{part}", (facts.recipe.batch_size, width)


def _under(prefix: str, tensors: container.Tensors) -> container.Tensors:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _tensor(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.array(array)).to(device)


def _jsonable(value: float) -> float | None:
    return value if math.isfinite(value) else None
