"""What of a text stands word for word in the text that a model learned from."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.text.encoded import Ids
from understudy.text.grams import Grams
from understudy.text.vocabulary import Vocabulary

LENGTHS = (20, 30, 50, 100)
"""Copies are told by these lengths."""


def written_ids(vocabulary: Vocabulary, text: str, data: bytes) -> NDArray[np.int64]:
    """The symbols of what a model wrote, (N,): of its text, or of the bytes that it drew."""
    return np.frombuffer(data, np.uint8).astype(np.int64) if vocabulary.kind == "bytes" else vocabulary.encode(text)


class Span(NamedTuple):
    """Symbols `start` to `end` - 1 of a text, each of which lies in a copied run."""

    start: int
    end: int


def spans(symbols: NDArray[np.integer[Any]], grams: Grams) -> list[Span]:
    """The parts of a text, (N,), that lie in runs of `grams.length` or more symbols that the other text has too."""
    inside = np.concatenate([[False], grams.cover(symbols), [False]])
    turns = np.flatnonzero(inside[1:] != inside[:-1]).tolist()
    return [Span(start, end) for start, end in zip(turns[::2], turns[1::2], strict=True)]


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
