"""What the user asks of a sitting, and whether it fits the run that is to go on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.errors import CheckpointError, ConfigError
from understudy.model.file import ModelFile
from understudy.runs.checkpoint import Facts
from understudy.runs.material import Material, TextOptions
from understudy.training.recipe import Recipe, flag


@dataclass(frozen=True)
class Request:
    """What the user asks of a sitting.

    Attributes:
        texts: which texts; None on resuming takes the ones of the run.
        preset: name of the recipe to begin with; None for auto.
        settings: the recipe's fields that the user set.
        out: the run folder; None for one under `runs/` named after the text.
        resume: go on from the folder's last checkpoint.
        overwrite: start anew although the folder holds a run.
        origin: a model whose weights the run starts from.
        tensorboard: write TensorBoard events.
        text_settings: the names of text options that the user set, to be compared on resuming.
        whole_text: learn from everything at the end (`whole_text.py`).
        part: a folder in the run folder, for a run that serves another.
        held_back: how the run went that held text back, for the one that does not.
        began: when the sitting began, by `time.perf_counter`, where that was before anything was asked: the time that
            importing took counts.
    """

    texts: TextOptions | None
    preset: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    origin: Path | None = None
    tensorboard: bool = False
    text_settings: frozenset[str] = frozenset()
    whole_text: bool = False
    part: str | None = None
    held_back: dict[str, Any] | None = None
    began: float | None = None


def texts_to_resume(request: Request, facts: Facts, folder: Path) -> TextOptions:
    """The texts of the run in `folder`, after holding what the user asks against what the run was started with.

    Raises:
        CheckpointError: a flag differs.
    """
    recorded = TextOptions.from_document(facts.texts["options"])
    if request.preset not in (None, facts.preset):
        raise _differs(folder, "--preset", facts.preset, request.preset)
    for name, value in request.settings.items():
        before = getattr(facts.recipe, name)
        if value != before and value != "auto":
            raise _differs(folder, flag(name), before, value)
    if request.texts is None:
        return recorded
    asked = request.texts.absolute()
    for name in request.text_settings:
        if getattr(asked, name) != getattr(recorded, name):
            raise _differs(folder, flag(name), getattr(recorded, name), getattr(asked, name))
    names = {"texts": list(asked.texts)} | ({"globs": list(asked.globs)} if asked.globs else {})
    return TextOptions.from_document({**recorded.to_document(), **names})


def check_same_text(material: Material, facts: Facts, folder: Path) -> None:
    """Hold a text against the one that the run in `folder` learned from.

    Raises:
        CheckpointError: it is another.
    """
    now = material.to_document()
    for name, what in (("sha256", "the text"), ("validation_sha256", "the validation file")):
        if now[name] != facts.texts[name]:
            raise CheckpointError(
                f"{folder}: {what} is not the one that this run learned from: it had "
                f"{facts.texts['characters']:,} characters and SHA-256 {facts.texts[name]}, this one has "
                f"{now['characters']:,} and {now[name]}; give the old one, or start a new run (--from {folder} keeps "
                f"what was learned)"
            )


def shaped_like(origin: ModelFile, recipe: Recipe, request: Request) -> Recipe:
    """The recipe with the shape of the model that the run starts from.

    Raises:
        ConfigError: the user asks for another shape.
    """
    config = origin.config
    shape = {name: getattr(config, name) for name in ("cell", "units", "layers", "embedding", "ngrams")}
    for name, value in shape.items():
        if request.settings.get(name, value) != value:
            raise ConfigError(
                f"{flag(name)} {request.settings[name]}: the model to start from has {value}; leave the flag out"
            )
    return recipe.with_settings(**shape)


def _differs(folder: Path, name: str, before: object, now: object) -> CheckpointError:
    return CheckpointError(
        f"{folder}: this run was started with {name} {before}, not {now}; leave the flag out to go on, or start a new "
        f"run"
    )
