"""Runs of symbols that two texts have in common, found by the runs' hashes.

The hash of a run is a polynomial in a base, modulo 2⁶⁴ (Karp and Rabin 1987): the difference of two sums over all that
comes before, brought to the run's own powers. Among a thousand million runs, one in about twenty thousand million has
the hash of one of the others.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from understudy.text.encoded import Ids

_BASE = 0x9E3779B97F4A7C15
_BLOCK = 1 << 20

Hashes = NDArray[np.uint64]


def hashes(symbols: NDArray[np.integer[Any]], length: int) -> Hashes:
    """The hashes of all runs of so many symbols, (N - length + 1,), by where they begin in symbols (N,)."""
    assert length > 0, "a run has a symbol"
    count = len(symbols)
    if count < length:
        return np.zeros(0, np.uint64)
    powers, inverse = _powers(1 << (count - 1).bit_length())
    sums = np.zeros(count + 1, np.uint64)
    np.cumsum((symbols.astype(np.uint64) + np.uint64(1)) * inverse[:count], out=sums[1:])
    found: Hashes = (sums[length:] - sums[:-length]) * powers[length - 1 : count]
    return found


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """The base to the powers 0, 1, 2, ..., modulo 2⁶⁴, (count,), and their inverses: the base is odd."""
    found = []
    for base in (_BASE, pow(_BASE, -1, 1 << 64)):
        powers = np.full(count, base, np.uint64)
        powers[0] = 1
        found.append(np.cumprod(powers, dtype=np.uint64))
    return found[0], found[1]


class Grams:
    """All runs of `length` symbols of some texts: eight bytes for each.

    Attributes:
        length: symbols a run.
        hashes: of the runs, in order, (N,).
        base: of the polynomials that they are.
    """

    base = _BASE

    def __init__(self, found: Iterable[Hashes], length: int) -> None:
        """Take the hashes of the runs."""
        self.length = length
        self.hashes: Hashes = np.concatenate([np.zeros(0, np.uint64), *found])
        self.hashes.sort()

    @classmethod
    def of(cls, ids: Ids, length: int) -> Self:
        """The runs of one text."""
        pieces = (ids.read(start, min(len(ids), start + _BLOCK + length - 1)) for start in range(0, len(ids), _BLOCK))
        return cls((hashes(piece, length) for piece in pieces if len(piece) >= length), length)

    def __contains__(self, run: NDArray[np.integer[Any]]) -> bool:
        return bool(self.have(hashes(run, self.length))[0])

    def have(self, wanted: Hashes) -> NDArray[np.bool_]:
        """Which of some runs, by their hashes (N,), are among these, (N,)."""
        if not len(self.hashes):
            return np.zeros(len(wanted), np.bool_)
        at = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        found: NDArray[np.bool_] = self.hashes[at] == wanted
        return found

    def begin(self, symbols: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """At which places of a text, (N,), one of these runs begins."""
        there = np.zeros(len(symbols), np.bool_)
        if len(symbols) >= self.length:
            found = self.have(hashes(symbols, self.length))
            there[: len(found)] = found
        return there

    def cover(self, symbols: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Which symbols of a text, (N,), lie in one of these runs."""
        return spread(np.flatnonzero(self.begin(symbols)), self.length, len(symbols))


def spread(begins: NDArray[np.int64], length: int, total: int) -> NDArray[np.bool_]:
    """Which of so many places lie in runs of that length that begin at some of them, (total,)."""
    marked = np.zeros(total + 1, np.int64)
    np.add.at(marked, begins, 1)
    np.add.at(marked, np.minimum(begins + length, total), -1)
    inside: NDArray[np.bool_] = np.cumsum(marked[:-1]) > 0
    return inside
