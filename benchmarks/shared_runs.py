"""Runs of characters that two texts have in common, found by their hashes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

LENGTH = 50
_BASE = 0x9E3779B97F4A7C15
_SPACES = np.array([9, 10, 11, 12, 13, 32, 160], np.uint64)


def hashes(text: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of all runs of `LENGTH` characters, and where in the text each begins; white space is one space.

    The hash of a run is a polynomial in a base, modulo 2⁶⁴; those of longer runs are made from those of shorter ones.
    """
    symbols = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    space = np.isin(symbols, _SPACES)
    kept = np.flatnonzero(~(space & np.r_[False, space[:-1]]))
    parts = {1: np.where(space, np.uint64(32), symbols)[kept]}
    while 2 * (length := max(parts)) <= LENGTH:
        parts[2 * length] = _together(parts[length], parts[length], length, length)
    found, done = parts[32], 32
    for length in (16, 2):
        found = _together(found, parts[length], done, length)
        done += length
    assert done == LENGTH
    return found, kept[: len(found)]


def _together(first: NDArray[np.uint64], second: NDArray[np.uint64], length: int, more: int) -> NDArray[np.uint64]:
    """The hashes of runs of `length + more`, from those of their first and of their last symbols."""
    count = max(0, len(second) - length)
    return first[:count] * np.uint64(pow(_BASE, more, 1 << 64)) + second[length : length + count]


class Runs:
    """All runs of `LENGTH` characters of some texts; white space counts as one space."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._hashes = np.unique(np.concatenate([hashes(text)[0] for text in texts]))

    def covers(self, text: str) -> NDArray[np.bool_]:
        """Which characters of a text lie in a run that these texts have too, (N,)."""
        found, places = hashes(text)
        marked = np.zeros(len(text) + 1, np.int64)
        if len(self._hashes):
            at = np.minimum(np.searchsorted(self._hashes, found), len(self._hashes) - 1)
            places = places[self._hashes[at] == found]
            np.add.at(marked, places, 1)
            np.add.at(marked, np.minimum(places + LENGTH, len(text)), -1)
        return np.cumsum(marked[:-1]) > 0

    def without(self, text: str) -> tuple[str, int]:
        """The text without the lines that have a run in common, and how many characters that left out."""
        inside = self.covers(text)
        if not inside.any():
            return text, 0
        lines, start = [], 0
        for line in text.splitlines(keepends=True):
            if not inside[start : start + len(line)].any():
                lines.append(line)
            start += len(line)
        rest = "".join(lines)
        return rest, len(text) - len(rest)
