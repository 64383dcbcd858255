"""What of a text stands word for word in the text that a model learned from."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.text.encoded import Ids
from understudy.text.grams import Grams, hashes, spread
from understudy.text.vocabulary import Vocabulary

LENGTHS = (20, 30, 50, 100)
"""Copies are told by these lengths."""
_BLOCK, _NEAR = 1 << 18, 16
"""So much of a long text is looked at at a time; a table of so many bits says of most of its runs that they are new."""


def written_ids(vocabulary: Vocabulary, text: str, data: bytes) -> NDArray[np.int64]:
    """The symbols of what a model wrote, (N,): of its text, or of the bytes that it drew."""
    return np.frombuffer(data, np.uint8).astype(np.int64) if vocabulary.kind == "bytes" else vocabulary.encode(text)


class Span(NamedTuple):
    """Symbols `start` to `end` - 1 of a text, each of which lies in a copied run."""

    start: int
    end: int


class Copied(NamedTuple):
    """What of a short text a long one has.

    Attributes:
        parts: what lies in runs of some length or more that the other has too.
        longest: how many symbols the longest such run has; 0 where there is none.
    """

    parts: list[Span]
    longest: int


def copied(symbols: NDArray[np.integer[Any]], learned: Ids, length: int) -> Copied:
    """What of a short text, (N,), lies in runs of `length` or more symbols that a long one has too.

    As `spans` and `longest` have it, but no table of the long text is made: it is read once, a piece at a time.
    """
    runs = hashes(symbols, length)
    if not len(runs):
        return Copied([], 0)
    keys, most = np.unique(runs), 0
    near, seen = np.zeros(1 << _NEAR, np.bool_), np.zeros(len(keys), np.bool_)
    near[_first_bits(keys)] = True
    for start in range(0, len(learned), _BLOCK):
        piece = learned.read(start, min(len(learned), start + _BLOCK + len(symbols) - 1))
        found = hashes(piece, length)
        places = np.flatnonzero(near[_first_bits(found)])
        at = np.minimum(np.searchsorted(keys, found[places]), len(keys) - 1)
        same = keys[at] == found[places]
        if same.any():
            seen[at[same]] = True
            most = _longer(symbols, piece, spread(places[same], length, len(piece)), max(most, length - 1))
    inside = spread(np.flatnonzero(seen[np.searchsorted(keys, runs)]), length, len(symbols))
    return Copied(_parts(inside), most)


def _first_bits(found: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (found >> np.uint64(64 - _NEAR)).astype(np.int64)


def _longer(symbols: NDArray[np.integer[Any]], piece: NDArray[np.int64], inside: NDArray[np.bool_], known: int) -> int:
    """How long the longest run is that a text shares with what is marked of another; `known`, if that is more."""
    after = inside.copy()
    after[1:] |= inside[:-1]
    marked = np.where(inside, piece, -2)[after]  # between two parts is what no text has
    low, high = known + 1, min(len(symbols), max(part.end - part.start for part in _parts(inside)))
    middle = low  # most pieces have none that is longer
    while low <= high:
        if Grams([hashes(symbols, middle)], middle).have(hashes(marked, middle)).any():
            known, low = middle, middle + 1
        else:
            high = middle - 1
        middle = (low + high) // 2
    return known


def _parts(inside: NDArray[np.bool_]) -> list[Span]:
    """Where what is marked begins and ends."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8))).tolist()
    return [Span(start, end) for start, end in zip(turns[::2], turns[1::2], strict=True)]


def spans(symbols: NDArray[np.integer[Any]], grams: Grams) -> list[Span]:
    """The parts of a text, (N,), that lie in runs of `grams.length` or more symbols that the other text has too."""
    return _parts(grams.cover(symbols))


def longest(symbols: NDArray[np.integer[Any]], learned: Ids, grams: Grams) -> Span:
    """The longest run of a text that the other has too, the first of several; an empty one below `grams.length`."""
    found, at_least = Span(0, 0), grams.length
    for span in spans(symbols, grams):
        low, high = max(at_least, found.end - found.start + 1), span.end - span.start
        while low <= high:  # a text that has a run has every shorter part of it
            middle = (low + high) // 2
            begins = np.flatnonzero(Grams.of(learned, middle).begin(symbols[span.start : span.end]))
            if len(begins):
                found, low = Span(span.start + int(begins[0]), span.start + int(begins[0]) + middle), middle + 1
            else:
                high = middle - 1
    return found


def shares(symbols: NDArray[np.integer[Any]], learned: Ids, lengths: tuple[int, ...] = LENGTHS) -> dict[int, float]:
    """By lengths, the share of a text, (N,), that lies in runs of so many symbols or more that the other has too."""
    return {length: float(Grams.of(learned, length).cover(symbols).mean()) for length in lengths}
