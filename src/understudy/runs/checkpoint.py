"""The training state on disk: safetensors only, each file whole or not there, the last few kept.

Checkpoints come where the schedule says, and by time in between. A run whose numbers are not finite goes back to one of
the schedule's, so that what it does then does not depend on the clock.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.errors import CheckpointError, ConfigError, ModelFileError
from understudy.layout import BEGUN, checkpoint_name, is_checkpoint_name
from understudy.model import container, parameters
from understudy.model.config import NGRAM_CODES
from understudy.runs.facts import Facts
from understudy.runs.growing import Written, written_document, written_from
from understudy.training.loop import Progress, Trainer
from understudy.training.optimizer import moment_names, moment_shape


@dataclass(frozen=True)
class Checkpoint:
    """A complete training state.

    Attributes:
        facts: what the run is made of.
        progress: where it stands.
        written: how far each growing file of the run folder had grown with the steps done.
        tensors: weights, the optimiser's moments, and the carried state.
    """

    facts: Facts
    progress: Progress
    written: dict[str, Written]
    tensors: container.Tensors

    @classmethod
    def of(cls, facts: Facts, trainer: Trainer, written: dict[str, Written]) -> Self:
        """Where a trainer stands; all its ranks take part, and all of them get it.

        Args:
            facts: what the run is made of.
            trainer: where it stands.
            written: how far the run's files have grown.
        """
        tensors: dict[str, NDArray[Any]] = {
            f"weights.{name}": array for name, array in parameters.arrays(trainer.network).items()
        }
        for name, parameter in trainer.network.named_parameters():
            for moment, value in trainer.optimizer.moments(parameter).items():
                tensors[f"{moment}.{name}"] = value.cpu().numpy()
        for layer, state in enumerate(trainer.state):
            for part, value in enumerate(state):
                whole = trainer.ranks.joined(value, trainer.recipe.batch_size)
                tensors[f"state.{layer}.{part}"] = whole.cpu().numpy()
        return cls(facts, replace(trainer.progress), written, tensors)

    def to_document(self) -> dict[str, Any]:
        """All but the tensors, as JSON."""
        progress = {name: _jsonable(value) for name, value in asdict(self.progress).items()}
        return {**self.facts.to_document(), "progress": progress, "written": written_document(self.written)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `to_document` wrote; with tensors of the right shapes, which are not filled.

        Raises:
            ModelFileError: it is no training state's.
        """
        facts, progress, written = _described(document)
        types = {f"weights.{NGRAM_CODES}": np.int64}
        tensors = {name: np.empty(shape, types.get(name, np.float32)) for name, shape in _shapes(facts)}
        return cls(facts, progress, written, tensors)

    def restore(self, trainer: Trainer) -> None:
        """Put the trainer where this checkpoint stands; each of its ranks takes its own lanes."""
        parameters.put(trainer.network, _under("weights.", self.tensors))
        for name, parameter in trainer.network.named_parameters():
            names = moment_names(self.facts.recipe, name)
            moments = {moment: _tensor(self.tensors[f"{moment}.{name}"], trainer.device) for moment in names}
            trainer.optimizer.restore(parameter, moments)
        lanes = trainer.ranks.part(trainer.recipe.batch_size)
        trainer.state = tuple(
            tuple(_tensor(self.tensors[f"state.{layer}.{part}"][lanes], trainer.device) for part in range(len(widths)))
            for layer, widths in enumerate(self.facts.config.state_widths)
        )
        for entry in fields(Progress):
            setattr(trainer.progress, entry.name, getattr(self.progress, entry.name))
        trainer.updates.restart(self.progress.loss_sum)


def save(folder: Path, found: Checkpoint, *, begins: bool = False) -> Path:
    """Write a training state; older checkpoints go, as far as neither the recipe nor a setback may ask for them.

    Of the schedule's checkpoints the last few stay, as the recipe's `keep` says; of those that came by time the newest.

    Args:
        folder: where to.
        found: the state.
        begins: whether the run takes the place of another, which is still there: then under the name `BEGUN`, and
            nothing goes.

    Raises:
        StorageError: the disk refused; the checkpoints that were there still are.
    """
    step = found.progress.step
    path = folder / (BEGUN if begins else checkpoint_name(step))
    container.write(path, "training state", found.to_document(), found.tensors)
    if not begins:
        _forget(folder, found.facts, step)
    return path


def forget_after(folder: Path, step: int) -> None:
    """Remove the checkpoints of steps after this one: a run goes back to it."""
    for place, path in _steps(folder):
        if place > step:
            path.unlink(missing_ok=True)


def _forget(folder: Path, facts: Facts, step: int) -> None:
    done = [(place, path) for place, path in _steps(folder) if place <= step]
    planned = [path for place, path in done if facts.schedule.saves_at(place)]
    kept = {*planned[: facts.recipe.keep], done[0][1]}
    for _, path in done:
        if path not in kept:
            path.unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Read one checkpoint.

    Raises:
        ModelFileError: the file is not an intact training state of ours.
    """
    seen: list[tuple[Facts, Progress, dict[str, Written]]] = []

    def expected(document: dict[str, Any]) -> container.Shapes:
        seen.append(_described(document))
        return dict(_shapes(seen[0][0]))

    _, tensors = container.read(path, "training state", expected)
    return Checkpoint(*seen[0], tensors)


def load_latest(folder: Path, *, planned: bool = False) -> tuple[Checkpoint | None, list[str]]:
    """The newest intact checkpoint of a folder, and why newer ones were passed over.

    Args:
        folder: where they are.
        planned: only one that the schedule asked for, and not one that came by time.

    Raises:
        CheckpointError: there are checkpoints, but none is intact.
    """
    passed_over: list[str] = []
    for path in [*_begun(folder), *(path for _, path in _steps(folder))]:
        try:
            found = load(path)
        except ModelFileError as error:
            passed_over.append(str(error))
            continue
        if path.name not in (BEGUN, checkpoint_name(found.progress.step)):
            passed_over.append(f"{path}: was renamed, it is {checkpoint_name(found.progress.step)}")
            continue
        if not planned or found.facts.schedule.saves_at(found.progress.step):
            return found, passed_over
    if passed_over:
        raise CheckpointError(
            f"{folder}: no checkpoint is intact: {'; '.join(passed_over)}; start a new run in another folder"
        )
    return None, []


def _described(document: dict[str, Any]) -> tuple[Facts, Progress, dict[str, Written]]:
    """What a training state's document tells.

    Raises:
        ModelFileError: it is none.
    """
    try:
        facts = Facts.from_document(document)
        return facts, _progress(document["progress"]), written_from(document["written"])
    except (ConfigError, ModelFileError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"its description is not a training state's: {error}") from error


def _begun(folder: Path) -> list[Path]:
    return [folder / BEGUN] if (folder / BEGUN).is_file() else []


def _steps(folder: Path) -> list[tuple[int, Path]]:
    """The steps of the checkpoints of a folder, newest first, with their paths."""
    names = [path for path in folder.glob("step-*.safetensors") if is_checkpoint_name(path.name)]
    return sorted(((int(path.stem.removeprefix("step-")), path) for path in names), reverse=True)


def _progress(figures: dict[str, Any]) -> Progress:
    values: dict[str, Any] = {name: math.inf if value is None else value for name, value in figures.items()}
    progress = Progress(**values)
    for entry in fields(progress):
        kinds = (int,) if entry.type is int else (int, float)
        if type(getattr(progress, entry.name)) not in kinds:
            raise TypeError(f"{entry.name} is no number")
    return progress


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
    return None if isinstance(value, float) and not math.isfinite(value) else value
