"""A matrix as the compiled library reads it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.portable import compiled
from understudy.generation.portable.arithmetic import Floats
from understudy.generation.portable.packing import Matrix


class Arranged:
    """Rows in segments (a gate, or the logits), each filled up with zeros to whole blocks.

    Attributes:
        scales: a number for each row, blocks filled up.
        bias: a number for each row, blocks filled up.
    """

    def __init__(self, path: int, matrix: Matrix, segments: Sequence[int]) -> None:
        """Lay out a matrix whose segments have so many rows."""
        self._plain = path == compiled.PLAIN
        self._segments, self._inner = tuple(segments), matrix.rows.shape[1]
        self._whole = matrix.rows.dtype == np.int8
        size = [compiled.arranged_bytes(rows, self._inner, whole=self._whole) for rows in segments]
        padded = sum(map(_filled, segments))
        self._numbers, self._corrections = compiled.aligned(sum(size)), np.zeros(padded, np.int32)
        rows, first = np.ascontiguousarray(matrix.rows), 0
        for (place, count), begin in zip(self._places(), np.cumsum([0, *size]), strict=False):
            compiled.arrange(path, rows[first : first + count], self._numbers[begin:], self._corrections[place:])
            first += count
        self.scales, self.bias = self._filled_up(matrix.scales), self._filled_up(matrix.bias)

    def matrix(self) -> Matrix:
        """The matrix as it was given; a bias of zeros where it had none."""
        numbers = self._numbers.view(np.int8 if self._whole else np.float32)
        each = 4 if self._whole else 1
        steps = -(-self._inner // each)
        if not (self._plain and self._whole):
            numbers = numbers.reshape(-1, steps, compiled.BLOCK, each).transpose(0, 2, 1, 3)
        rows = self._of_rows(numbers.reshape(-1, steps * each)[:, : self._inner])
        return Matrix(rows, self._of_rows(self.scales) if self._whole else None, self._of_rows(self.bias))

    def fill(self, to: compiled.CMatrix, bias: Floats | None = None) -> None:
        """Let the library's matrix point here, with another bias where one is given."""
        to.numbers, to.corrections = self._numbers.ctypes.data, self._corrections.ctypes.data
        to.scales, to.bias = self.scales.ctypes.data, (self.bias if bias is None else bias).ctypes.data

    def _places(self) -> Iterator[tuple[int, int]]:
        """Where each segment's rows begin, and how many there are."""
        place = 0
        for count in self._segments:
            yield place, count
            place += _filled(count)

    def _filled_up(self, numbers: Floats | None) -> Floats:
        """A number for each row, with zeros where blocks are filled up."""
        padded, first = np.zeros(len(self._corrections), np.float32), 0
        for place, count in self._places():
            if numbers is not None:
                padded[place : place + count] = numbers[first : first + count]
            first += count
        return padded

    def _of_rows(self, padded: NDArray[Any]) -> NDArray[Any]:
        """Of something that is there for each row, blocks filled up, what belongs to rows that were given."""
        return np.concatenate([padded[place : place + count] for place, count in self._places()])


def _filled(rows: int) -> int:
    """Rows of whole blocks."""
    return -(-rows // compiled.BLOCK) * compiled.BLOCK
