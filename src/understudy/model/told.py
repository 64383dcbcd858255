"""What a model file tells of itself in words and figures: how it was trained, and its card."""

from typing import Any

from understudy.errors import ModelFileError
from understudy.model.documents import Fields, Rule, check_plain, hold, number, or_null, text, whole

_LARGEST_CARD, _LONGEST_HEADING = 1 << 17, 200
_LOSSES = ("validation_loss", "validation_loss_streamed")
_DIGEST = text(64)

_CORPUS = Fields(
    {
        "name": text(),
        "characters": whole(1),
        "sha256": _DIGEST,
        "train_characters": whole(1),
        "validation_characters": whole(),
        "validation_sha256": or_null(_DIGEST),
    },
    needed=("characters", "sha256", "train_characters"),
)
ORIGIN = Fields({"name": or_null(text()), "steps": or_null(whole()), "sha256": _DIGEST, "model": text()}, absent=True)
HELD_BACK = Fields(
    {"steps": whole(), **dict.fromkeys(_LOSSES, number()), "temperature": number(positive=True)}, needed=_LOSSES
)
_MOST_FILES, _MOST_NOTES = 1 << 11, 100
_FILES = Rule(
    f"at most {_MOST_FILES:,} names, each with a SHA-256",
    lambda value: type(value) is dict and len(value) <= _MOST_FILES and all(map(_DIGEST.fits, value.values())),
)
_NOTES = Rule(
    f"a list of at most {_MOST_NOTES} texts",
    lambda value: type(value) is list and len(value) <= _MOST_NOTES and all(map(text().fits, value)),
)
IMPORTED = Fields({"format": text(), "files": _FILES, "notes": _NOTES}, needed=("format", "files", "notes"))
"""Of weights that another library wrote: see `understudy.foreign`."""
TRAINING = Fields(
    {
        "imported": IMPORTED,
        "recipe": Fields({}),
        "schedule_steps": whole(),
        "corpus": _CORPUS,
        "origin": ORIGIN,
        "steps": whole(),
        "characters_seen": whole(),
        **dict.fromkeys(_LOSSES, or_null(number())),
        "looked_at": whole(),
        "temperature": number(positive=True),
        "held_back": HELD_BACK,
        "library_version": text(),
    }
)
"""All of it may be left out, and more may be there."""


def check_told(training: Any, card: Any) -> None:
    """Hold what a model file tells against its form, so that all of it can be shown.

    Raises:
        ModelFileError: a value is of another type than its readers expect.
    """
    hold(training, TRAINING, "training")
    check_plain(training, "training")
    if (training.get(_LOSSES[0]) is None) != (training.get(_LOSSES[1]) is None):
        raise ModelFileError("its training has one loss of two")
    corpus = training.get("corpus")
    if corpus is not None and corpus["train_characters"] > corpus["characters"]:
        raise ModelFileError("its training.corpus has more train_characters than characters")
    if not isinstance(card, dict) or not all(isinstance(part, str) for part in card.values()):
        raise ModelFileError("its card is no list of headings and texts")
    if any(len(heading) > _LONGEST_HEADING for heading in card) or sum(map(len, card.values())) > _LARGEST_CARD:
        raise ModelFileError(f"its card is longer than a card can be ({_LARGEST_CARD:,} characters)")
    check_plain(card, "card")
