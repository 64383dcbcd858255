"""Learning from everything: a first run finds out how long to train, a second one trains so long on the whole text."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from understudy.errors import ConfigError
from understudy.model import file
from understudy.runs.folder import RunFolder
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session
from understudy.training.recipe import DEFAULT_PRESET, preset

HELD_BACK = "held-back"
"""The first run's folder, in the run's own."""
_FIRST_SHARE = 0.47
"""Of the minutes; the second run has a ninth more text to learn, and nothing to look at."""


def sessions(request: Request) -> Iterator[Session]:
    """The sessions of a request, to be prepared and run each before the next is asked for.

    One, or with `whole_text` two: the first holds text back as usual, in a folder `held-back` of its own; the second
    has its recipe, learns from the whole text, and stops where the first was at its best.

    Raises:
        ConfigError: nothing would be held back to find the schedule with.
    """
    folder = request.out
    if request.resume and folder is not None:
        unfinished = RunFolder(folder / HELD_BACK).holds_run() and not RunFolder(folder).holds_checkpoint()
        request = replace(request, whole_text=unfinished)
    if not request.whole_text:
        yield Session(request)
        return
    held = request.settings.get("validation", preset(request.preset or DEFAULT_PRESET).validation)
    if not held or (request.texts is not None and request.texts.validation_file is not None):
        raise ConfigError(
            "--use-all-text: there is no part of the text that is held back; leave it out, or --validation"
        )
    first = Session(_first(request))
    yield first
    texts = request.texts or TextOptions.from_document(first.facts.texts["options"])
    again = replace(request, texts=texts, resume=False, overwrite=True, began=None)
    yield Session(_second(again, first.folder.path.parent))


def _first(request: Request) -> Request:
    settings = dict(request.settings)
    recipe = preset(request.preset or DEFAULT_PRESET).with_settings(**settings)
    if recipe.minutes is not None and not (request.resume and "minutes" not in settings):
        settings["minutes"] = recipe.minutes * _FIRST_SHARE
    resume = request.resume and request.out is not None and RunFolder(request.out / HELD_BACK).holds_checkpoint()
    return replace(request, settings=settings, part=HELD_BACK, resume=resume)


def _second(request: Request, folder: Path) -> Request:
    found = file.read(folder / HELD_BACK).training
    corpus, recipe = found["corpus"], dict(found["recipe"])
    for name in ("minutes", "epochs", "evaluate_every"):
        del recipe[name]
    more = corpus["characters"] / corpus["train_characters"]
    settings = recipe | {"validation": 0.0, "steps": max(1, round(found["steps"] * more))}
    held_back = {name: found[name] for name in ("steps", "validation_loss", "validation_loss_streamed")}
    held_back["temperature"] = found.get("temperature", 1.0)
    return replace(request, settings=settings, out=folder, held_back=held_back)
