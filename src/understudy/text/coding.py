"""Pieces of a text -> how often each symbol comes, and ids.

Where a piece is ASCII alone its bytes are its symbols: they are counted two at a time and looked up in a table of 256.
Nothing else about it differs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.text.vocabulary import LARGEST_CODE_POINT, Kind, Vocabulary, code_points

Piece = str | bytes
"""Some of a text: characters, or bytes where these are the symbols."""

_MANY = 1 << 16  # bytes, for which a table of all pairs is worth its filling


def as_bytes(piece: Piece) -> bytes:
    """A piece as a digest reads it: characters in UTF-8, bytes as they are."""
    return piece.encode() if isinstance(piece, str) else piece


class Tally:
    """How often each symbol came."""

    def __init__(self, kind: Kind) -> None:
        self._totals = np.zeros(256 if kind == "bytes" else LARGEST_CODE_POINT + 1, np.int64)
        self._pairs = np.zeros(1 << 16, np.int64)

    def add(self, piece: Piece, data: bytes) -> None:
        """Count the symbols of a piece; `data` is its `as_bytes`."""
        if len(data) != len(piece):
            self._count(code_points(str(piece)))
        elif len(data) < _MANY:
            self._count(np.frombuffer(data, np.uint8))
        else:
            pairs = len(data) // 2
            self._pairs += np.bincount(np.frombuffer(data, np.uint16, pairs), minlength=1 << 16)
            self._count(np.frombuffer(data, np.uint8, offset=2 * pairs))

    def totals(self) -> NDArray[np.int64]:
        """How often, by code point or byte."""
        totals, pairs = self._totals.copy(), self._pairs.reshape(256, 256)
        totals[:256] += pairs.sum(0) + pairs.sum(1)
        return totals

    def _count(self, symbols: NDArray[np.integer[Any]]) -> None:
        counts = np.bincount(symbols)
        self._totals[: len(counts)] += counts


class Coder:
    """Symbols -> ids, in the vocabulary's own type; what it lacks is left out."""

    def __init__(self, vocabulary: Vocabulary, *, lacks: bool) -> None:
        """Take a vocabulary.

        Args:
            vocabulary: which ids.
            lacks: whether the text has symbols that it lacks.
        """
        self._kind = vocabulary.kind
        table = vocabulary.table()
        self._known = table >= 0 if lacks else None
        self._table = table.astype(vocabulary.dtype)
        self._of_ascii = self._table[:256].tobytes() if self._table.itemsize == 1 else None
        self._left_out = bytes(np.flatnonzero(~self._known[:128])) if self._known is not None else b""

    def ids(self, piece: Piece, data: bytes) -> bytes:
        """The ids of a piece; `data` is its `as_bytes`."""
        if self._kind == "bytes":
            return data
        of_ascii = len(data) == len(piece)
        if of_ascii and self._of_ascii is not None:
            return data.translate(self._of_ascii, self._left_out)
        codes = np.frombuffer(data, np.uint8) if of_ascii else code_points(str(piece))
        if self._known is not None:
            codes = codes[self._known.take(codes)]
        return self._table.take(codes).tobytes()
