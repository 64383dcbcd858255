"""What a run leaves behind of itself: its figures, and its model file."""

import math
from importlib.metadata import version
from typing import Any

from understudy.model import parameters
from understudy.model.file import ModelFile
from understudy.runs.facts import Facts
from understudy.runs.material import Material
from understudy.training.loop import Trainer


def figures(trainer: Trainer, facts: Facts) -> dict[str, Any]:
    """The figures of a run so far: losses in nats a character, None where there is none yet; times in seconds."""
    progress = trainer.progress
    evaluated = trainer.validation is not None and progress.best_step > 0
    carried = progress.best_streamed if evaluated else None
    known = {} if facts.held_back is None else {"held_back": facts.held_back}
    return {
        "steps": progress.step,
        "best_step": progress.best_step if evaluated else progress.step,
        "epochs": progress.step / trainer.batches.per_epoch,
        "characters_seen": progress.characters,
        "seconds": progress.seconds,
        "characters_per_second": progress.characters / progress.seconds if progress.seconds else 0.0,
        "train_loss": progress.train_loss if progress.train_loss < math.inf else None,
        "validation_loss": progress.best_loss if evaluated else None,
        "validation_loss_streamed": carried,
        "bits_per_character": carried / math.log(2) if carried is not None else None,
        "parameters": facts.config.parameters,
        **known,
    }


def model_file(trainer: Trainer, facts: Facts, material: Material) -> ModelFile:
    """The model as it stands, with how it was trained."""
    progress, validated = trainer.progress, trainer.validation is not None
    training = {
        "recipe": facts.recipe.to_document(),
        "schedule_steps": facts.schedule.steps,
        "corpus": material.to_document(),
        "origin": facts.origin,
        "steps": progress.step,
        "characters_seen": progress.characters,
        "validation_loss": progress.best_loss if validated else None,
        "validation_loss_streamed": progress.best_streamed if validated else None,
        "looked_at": min(material.held_back, facts.schedule.looked_at),
        "temperature": trainer.temperature,
        "library_version": version("understudy"),
    }
    if facts.held_back is not None:
        training["held_back"] = facts.held_back
    return ModelFile(facts.config, facts.vocabulary, training, parameters.arrays(trainer.kept))
