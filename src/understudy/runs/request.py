"""What the user asks of a sitting, and whether it fits the run that is to go on."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.checks import named, place
from understudy.errors import CheckpointError, ConfigError
from understudy.layout import HELD_BACK, MODEL, is_plain_file
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.runs.facts import Asked, Facts
from understudy.runs.material import Material, TextOptions
from understudy.shell import command_line, escaped, path_argument
from understudy.storage import sha256_of
from understudy.text.corpus import Corpus
from understudy.text.folders import DEFAULT_GLOBS, texts_lost
from understudy.training.recipe import Recipe, flag

_FLAGS = {"globs": "--glob", "validation_file": "--validation"}
"""Flags that are not named after what they set."""
NOTHING = Path("none")
"""What a run starts from where it is to start from no weights."""
CHANGED = ("minutes", "epochs", "steps", "validation", "evaluate_every")
"""Settings in which the second run of `--use-all-text` differs from what was asked."""


@dataclass(frozen=True)
class Request:
    """What the user asks of a sitting.

    Attributes:
        texts: which texts, and how to read them; on resuming, None or no texts in it for the ones of the run.
        preset: name of the recipe to begin with; None for auto.
        settings: the recipe's fields that the user set.
        out: the run folder; None for one under `runs/` named after the text.
        resume: go on from the folder's last checkpoint.
        overwrite: start anew although the folder holds a run.
        origin: a model whose weights the run starts from; `NOTHING` for none, None for the recipe's choice.
        tensorboard: write TensorBoard events.
        text_settings: the names of text options that the user set, to be compared on resuming.
        whole_text: learn from everything at the end (`whole_text.py`).
        part: a folder in the run folder, for a run that serves another.
        held_back: how the run went that held text back, for the one that does not.
        began: when the sitting began, by `time.perf_counter`, where that was before anything was asked: the time that
            importing took counts.
        asked: what the user asked for in all, for a run that is one of two.
        first: what the first of two runs is made of, for the second: it is to learn from the same text.
        threads: how many threads the user wants this process to have.
        corpus: the texts themselves, where an earlier run of this process has opened them: a pipe is read once.
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
    asked: Asked | None = None
    first: Facts | None = None
    threads: int | None = None
    corpus: Corpus | None = None

    def __post_init__(self) -> None:
        """See that there is something to learn from, and that nothing asked for contradicts it.

        Raises:
            ConfigError: there is not, or something does.
        """
        if self.named is None and not self.resume:
            raise ConfigError(
                "name a TEXT to learn from: a file, a folder, - for standard input, @python, or an address"
            )
        if self.resume and self.overwrite:
            raise ConfigError("--resume goes on with a run; --overwrite starts one")

    @property
    def model(self) -> Path | None:
        """The model that the user names to start from, if any."""
        return self.origin if self.origin != NOTHING else None

    @property
    def named(self) -> TextOptions | None:
        """The texts that the user names, if any."""
        return self.texts if self.texts is not None and self.texts.texts else None


def origin_named(value: Any) -> Path | None:
    """What `--from` names: a model, or `NOTHING`; a file or folder of that name is given as ./none.

    Raises:
        ConfigError: it is no path.
    """
    if value is None:
        return None
    found = place("--from", value)
    return found.absolute() if found == NOTHING and os.fspath(value) != str(NOTHING) else found


def texts_to_resume(request: Request, facts: Facts, folder: Path) -> TextOptions:
    """The texts of the run in `folder`, after holding what the user asks against what the run was started with.

    Texts that are named may have moved: whether they are the ones, their digest tells.

    Raises:
        CheckpointError: a flag differs.
    """
    recorded = facts.options
    if request.preset not in (None, facts.asked.preset):
        raise _differs(folder, "--preset", facts.asked.preset, request.preset)
    if recorded.validation_file is not None and "validation" in request.settings:
        raise _differs(folder, "--validation", recorded.validation_file, request.settings["validation"])
    for name, value in request.settings.items():
        before = _asked_before(facts, name)
        if value != before and value != "auto":
            raise _differs(folder, flag(name), before, value)
    if request.whole_text and not facts.asked.whole_text:
        raise CheckpointError(
            f"{folder}: this run was started without --use-all-text; leave the flag out to go on, or start a new run"
        )
    if request.texts is None:
        return recorded
    asked = request.texts.absolute()
    for name in request.text_settings:
        if name == "validation_file" and None not in (asked.validation_file, recorded.validation_file):
            continue
        before, now = getattr(recorded, name), getattr(asked, name)
        if before != now:
            if name == "between":
                before, now = (None if text is None else command_line([escaped(text)]) for text in (before, now))
            raise _differs(folder, _FLAGS.get(name, flag(name)), before, now)
    names: dict[str, Any] = {"texts": list(asked.texts or recorded.texts)}
    if asked.validation_file is not None:
        names["validation_file"] = asked.validation_file
    return TextOptions.from_document({**recorded.to_document(), **names})


def check_same_origin(request: Request, facts: Facts, folder: Path) -> None:
    """Hold what `--from` names against what the run in `folder` began from.

    A command that is to begin a run or to go on with it, whichever it finds, may name it every time.

    Raises:
        CheckpointError: it is another.
        ModelFileError: it is not there any more.
    """
    if request.origin is None:
        return
    before = facts.asked.origin_sha256
    if (None if request.model is None else sha256_of(file.find(request.model))) != before:
        raise _differs(folder, "--from", facts.asked.origin if before is not None else NOTHING, request.origin)


def _asked_before(facts: Facts, name: str) -> Any:
    """What a setting was when the user last said it, or what the run has chosen."""
    if name in facts.asked.settings:
        return facts.asked.settings[name]
    if facts.held_back is not None and name in CHANGED:
        return getattr(facts.asked.recipe(), name)
    return getattr(facts.recipe, name)


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
                f"{now['characters']:,} and {now[name]}; give the old one, or start a new run{keeping(folder)}"
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


def check_found_again(options: TextOptions, folder: Path) -> None:
    """Make sure that a folder of texts will give the same ones when a run lies in `folder`, so that it can go on.

    Raises:
        ConfigError: one of them is in the run's folder, and what lies there is left out of a folder of texts.
    """
    names = [*options.texts, *([options.validation_file] if options.validation_file is not None else [])]
    for name in names:
        if name == "-" or name.startswith("@") or not os.path.isdir(name):  # noqa: PTH112 - never raises
            continue
        kept = frozenset(map(os.path.realpath, (folder, folder / HELD_BACK)))
        lost = texts_lost(Path(name), options.globs or DEFAULT_GLOBS, kept)
        if lost is not None:
            raise ConfigError(
                f"{named(lost)}: lies where the run in {folder} is to be kept, and is left out when the folder of "
                f"texts is read again; choose another --out, or move the text"
            )


def _differs(folder: Path, name: str, before: object, now: object) -> CheckpointError:
    began = f"without {name}, not with" if before in (None, ()) else f"with {name} {_as_given(before)}, not"
    return CheckpointError(
        f"{folder}: this run was started {began} {_as_given(now)}; leave the flag out to go on, or start a new "
        f"run{keeping(folder)}"
    )


def _as_given(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def keeping(folder: Path) -> str:
    """How a new run keeps what was learned, where there is a model to start from."""
    models = [place for place in (folder, folder / HELD_BACK) if is_plain_file(place / MODEL)]
    return f" ({command_line(['--from', path_argument(models[0])])} keeps what was learned)" if models else ""
