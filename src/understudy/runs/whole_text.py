"""Learning from everything: a first run finds out how long to train, a second one trains so long on the whole text."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from understudy.errors import ConfigError, ModelFileError
from understudy.layout import HELD_BACK
from understudy.model import file
from understudy.ranks.contract import Ranks
from understudy.ranks.joining import joined
from understudy.runs.beginning import origin_of
from understudy.runs.facts import Asked, Facts
from understudy.runs.folder import RunFolder
from understudy.runs.ownership import there
from understudy.runs.request import CHANGED, Request
from understudy.runs.session import Session
from understudy.storage import sha256_of
from understudy.training.machine import share_cores
from understudy.training.recipe import DEFAULT_PRESET, preset

_FIRST_SHARE = 0.47
"""Of the minutes; the second run has a ninth more text to learn, and nothing to look at."""

_LEAST_MINUTES = 0.11
"""Of both runs together; the share of it is as much as any run must have."""


def sessions(request: Request) -> Generator[Session]:
    """The sessions of a request, to be prepared and run each before the next is asked for.

    Where this process is one of many, they are shared with the others: rank 0 tells whether another one comes.

    Raises:
        ConfigError: nothing would be held back to find the schedule with, or the launcher's words make no sense.
        RanksError: other processes could not be met, or are gone.
    """
    with joined() as ranks:
        share_cores(ranks, request.threads)
        if not ranks.leads:
            while ranks.told(None):
                yield Session(request, ranks)
            return
        for session in _sessions(request, ranks):
            ranks.told(True)
            yield session
        ranks.told(False)


def _sessions(request: Request, ranks: Ranks) -> Iterator[Session]:
    """The sessions of rank 0, or of a run that is alone.

    One, or with `whole_text` two: the first holds text back as usual, in a folder `held-back` of its own; the second
    has its recipe, learns from the whole text, and stops where the first was at its best. Both are made from what the
    first one's checkpoints tell that was asked for, so that it does not matter in which sitting the second begins.

    Raises:
        ConfigError: nothing would be held back to find the schedule with.
    """
    goes_on = False
    if request.resume and request.out is not None:
        first = RunFolder(request.out, HELD_BACK)
        goes_on = first.holds_checkpoint() and (there(first.begun) or not RunFolder(request.out).holds_checkpoint())
        if not goes_on and RunFolder(request.out).holds_checkpoint():
            yield Session(request, ranks)
            return
    if not goes_on and not request.whole_text:
        yield Session(request, ranks)
        return
    session = Session(replace(request, part=HELD_BACK) if goes_on else _first(request), ranks)
    yield session
    yield Session(_second(request, session), ranks)


def _first(request: Request) -> Request:
    recipe = preset(request.preset or DEFAULT_PRESET).with_settings(**request.settings)
    if not recipe.validation or (request.texts is not None and request.texts.validation_file is not None):
        raise ConfigError(
            "--use-all-text: there is no part of the text that is held back; leave it out, or --validation"
        )
    if request.model is not None and request.out is not None and _lies_in(request.model, request.out):
        raise ConfigError(
            f"--from {request.model}: the run in {request.out} takes this model's place before it is done with it; "
            f"choose another --out"
        )
    settings = dict(request.settings)
    if recipe.minutes is not None:
        settings["minutes"] = recipe.minutes * _FIRST_SHARE
        if recipe.minutes < _LEAST_MINUTES:
            raise ConfigError(
                f"--use-all-text: --minutes {recipe.minutes:g} is too short for two runs; expected at least "
                f"{_LEAST_MINUTES:g}"
            )
    asked = Asked(request.preset or DEFAULT_PRESET, request.settings, True, *origin_of(request.model))
    return replace(request, settings=settings, part=HELD_BACK, asked=asked)


def _second(request: Request, first: Session) -> Request:
    asked, whole = first.facts.asked, first.folder.whole
    found, texts = file.read(whole / HELD_BACK).training, first.facts.texts
    held_back = {name: found.get(name) for name in ("steps", "validation_loss", "validation_loss_streamed")}
    if None in held_back.values():
        raise ModelFileError(f"{whole / HELD_BACK}: its model does not tell how well it did; start a new run")
    recipe = {name: value for name, value in first.facts.recipe.to_document().items() if name not in CHANGED}
    more = texts["characters"] / texts["train_characters"]
    settings = recipe | {"validation": 0.0, "steps": max(1, round(found["steps"] * more))}
    held_back["temperature"] = found.get("temperature", 1.0)
    return Request(
        first.facts.options,
        asked.preset,
        settings,
        whole,
        overwrite=True,
        origin=_origin_again(first.facts),
        tensorboard=request.tensorboard,
        part=None,
        held_back=held_back,
        asked=asked,
        first=first.facts,
        corpus=first.material.corpus,
    )


def _origin_again(facts: Facts) -> Path | None:
    """The model that a run began from, for the second one, which begins from it too.

    Raises:
        ConfigError: it is not there any more, or another one by now.
    """
    asked = facts.asked
    if asked.origin is None:
        return None
    if asked.origin.startswith("@"):
        for name in file.boxed():
            if sha256_of(file.find(name)) == asked.origin_sha256:
                return Path(name)
        raise ConfigError(
            f"{asked.origin}: this run began from a model that is not in this installation, SHA-256 "
            f"{asked.origin_sha256}; install Understudy {facts.environment.get('understudy')}, or start a new run"
        )
    origin = Path(asked.origin)
    try:
        now = origin_of(origin)[1]
    except ModelFileError as error:
        raise ConfigError(f"{error}; this run was to start from it: put it back, or start a new run") from error
    if now != asked.origin_sha256:
        raise ConfigError(f"{origin}: is not the model any more that this run was to start from; start a new run")
    return origin


def _lies_in(path: Path, folder: Path) -> bool:
    if str(path).startswith("@"):  # comes with the package
        return False
    try:
        return folder.resolve() in (path.resolve(), *path.resolve().parents)
    except (OSError, RuntimeError):
        return False
