"""Bytes of a stranger's file, by place and length: what lies outside of it is refused before memory is taken."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ModelFileError

Array = NDArray[np.float32]
MOST_DIMENSIONS = 8
_MOST_READINGS, _AT_LEAST = 4, 1 << 20
"""So many times its length, and as many bytes more, are taken from a file in all."""


class Reader:
    """An open file, read by place.

    Attributes:
        length: how many bytes there are.
    """

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self.length = length
        self._left = length * _MOST_READINGS + _AT_LEAST

    def at(self, place: int, size: int) -> bytes:
        """The `size` bytes at `place`.

        Raises:
            ModelFileError: the file does not have them.
        """
        self.check(place, size)
        self.spend(size)
        self._file.seek(place)
        data = self._file.read(size)
        if len(data) != size:
            raise ModelFileError("damaged: it became shorter as it was read")
        return data

    def check(self, place: int, size: int) -> None:
        """Make sure that the file has `size` bytes at `place`.

        Raises:
            ModelFileError: it does not.
        """
        if place < 0 or size < 0 or place + size > self.length:
            raise ModelFileError(
                f"damaged: it tells of {size:,} bytes at {place:,}, and has {self.length:,} bytes in all"
            )

    def spend(self, size: int) -> None:
        """Take note that so many bytes more come out of the file; a whole file needs each of its own about once.

        Raises:
            ModelFileError: its parts lie in one another, so that it gives many times its length.
        """
        self._left -= size
        if self._left < 0:
            raise ModelFileError("damaged: its parts lie in one another")

    def number(self, place: int, size: int) -> int:
        """The whole number of `size` bytes at `place`, the lowest byte first."""
        return int.from_bytes(self.at(place, size), "little")


@dataclass(frozen=True)
class Stored:
    """An array that lies in a file, not read yet; its bytes are there, as many as its shape and type need.

    Attributes:
        shape: its dimensions.
        kind: what its numbers are, in the file's words.
        numbers: reads it, in float32; None where the numbers are none that a weight may have.
    """

    shape: tuple[int, ...]
    kind: str
    numbers: Callable[[], NDArray[Any]] | None

    @property
    def floating(self) -> bool:
        """Whether it can be a weight."""
        return self.numbers is not None

    def read(self, name: str) -> Array:
        """Its numbers.

        Raises:
            ModelFileError: they are no weights, or not finite; the message names `name`.
        """
        if self.numbers is None:
            raise ModelFileError(
                f"{named(name)} has numbers of type {named(self.kind)}: expected float32, float16, bfloat16 or "
                f"float64; save the model in float32"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.ascontiguousarray(self.numbers(), dtype=np.float32)
            total = found.sum(dtype=np.float64)  # of float32 numbers it is finite where all of them are
        if found.shape != self.shape:
            raise ModelFileError(f"damaged: {named(name)} is not of the shape that the file tells")
        if not np.isfinite(total):
            raise ModelFileError(f"{named(name)} has numbers that are not finite: the model was damaged as it learned")
        return found


FLOATS = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
"""What the numbers of a weight may be, with their bytes."""


def decoded(data: bytes, kind: str, shape: tuple[int, ...], *, big: bool = False) -> NDArray[Any]:
    """Numbers of one of `FLOATS` out of their bytes, the lowest byte first unless `big`."""
    order = ">" if big else "<"
    if kind == "bfloat16":
        halves: NDArray[np.uint32] = np.frombuffer(data, np.dtype(f"{order}u2")).astype(np.uint32)
        return (halves << np.uint32(16)).view(np.float32).reshape(shape)
    return np.frombuffer(data, np.dtype(f"{order}f{FLOATS[kind]}")).reshape(shape)


def size_of(shape: tuple[int, ...], width: int) -> int:
    """How many bytes an array of that shape has.

    Raises:
        ModelFileError: it has more dimensions than any weight.
    """
    if len(shape) > MOST_DIMENSIONS or any(side < 0 for side in shape):
        raise ModelFileError(f"damaged: an array of the shape {named(str(shape))}")
    return math.prod(shape) * width
