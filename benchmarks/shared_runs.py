"""Runs of characters that two texts have in common, found by their hashes."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from understudy.text import grams

LENGTH = 50
_SPACES = np.array([9, 10, 11, 12, 13, 32, 160], np.uint32)


def hashes(text: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The hashes of all runs of `LENGTH` characters, and where in the text each begins; white space is one space."""
    symbols = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    space = np.isin(symbols, _SPACES)
    kept = np.flatnonzero(~(space & np.r_[False, space[:-1]]))
    found = grams.hashes(np.where(space, np.uint32(32), symbols)[kept], LENGTH)
    return found, kept[: len(found)]


class Runs:
    """All runs of `LENGTH` characters of some texts; white space counts as one space."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._grams = grams.Grams((hashes(text)[0] for text in texts), LENGTH)

    def covers(self, text: str) -> NDArray[np.bool_]:
        """Which characters of a text lie in a run that these texts have too, (N,)."""
        found, places = hashes(text)
        return grams.spread(places[self._grams.have(found)], LENGTH, len(text))

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
