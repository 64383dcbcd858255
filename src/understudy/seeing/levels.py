"""How surprising characters are, in a few even levels, for whatever colours a text by them."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.generation.sampling import Floats
from understudy.seeing.places import Block, character_starts, characters_of, places_in
from understudy.seeing.visible import visible
from understudy.text.vocabulary import Kind

LEVELS = 5
_DEVIATIONS = 2.5
"""The most surprising level begins so many standard deviations beyond the mean; the others lie evenly below it."""


class Characters(NamedTuple):
    """A text, character by character.

    Attributes:
        text: N characters, as they are shown.
        nats: how surprising each was, (N,), not a number where nothing was predicted.
        known: which ones the model knows, (N,).
        first: the places of their first symbols, (N,).
    """

    text: str
    nats: NDArray[np.float64]
    known: NDArray[np.bool_]
    first: NDArray[np.int64]


def characters(codes: NDArray[np.integer[Any]], nats: Floats, known: NDArray[np.bool_], kind: Kind) -> Characters:
    """The characters of a text out of its symbols: codes, nats and whether the model knows each, (symbols,) all."""
    places = list(places_in(Block(0, 1, 1, codes), nats, known, "character", kind))
    first = character_starts(codes, kind)
    each = np.array([place.nats if place.predicted else np.nan for place in places], np.float64)
    return Characters(visible(characters_of(places)), each, known[first], first)


def bounds_of(nats: NDArray[np.float64]) -> list[float]:
    """From how many nats on each level begins, the lowest first."""
    predicted = nats[~np.isnan(nats)]
    if not len(predicted):
        return [float(level) for level in range(1, LEVELS + 1)]
    mean, deviation = float(predicted.mean()), max(float(predicted.std()), 1e-3)
    return [mean + _DEVIATIONS * deviation * level / LEVELS for level in range(1, LEVELS + 1)]


def runs(nats: NDArray[np.float64], known: NDArray[np.bool_], bounds: list[float]) -> Iterator[tuple[int, int, int]]:
    """Begin, end and level of each run of characters, nats (N,), that are alike; level `LEVELS` + 1 is unknown."""
    levels = np.searchsorted(np.array(bounds, np.float64), np.nan_to_num(nats), "right")
    levels[~known] = LEVELS + 1
    turns = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(levels)] if len(levels) else []
    yield from ((start, end, int(levels[start])) for start, end in pairwise(turns))


def spans_of(bounds: list[float]) -> Iterator[str]:
    """The levels in words: how many nats the plain text has, and then each level."""
    yield f"under {bounds[0]:.1f} nats"
    for low, high in pairwise(bounds):
        yield f"{low:.1f} to {high:.1f}"
    yield f"{bounds[-1]:.1f} and more"
