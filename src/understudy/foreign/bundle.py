"""TensorFlow's bundle: an index of arrays by key, and one or more files of their bytes, each with its checksum."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign import table
from understudy.foreign.crc32c import crc32c, masked
from understudy.foreign.protobuf import fields, varint
from understudy.foreign.reading import FLOATS, Reader, Stored, decoded, size_of

_TYPES = {1: "float32", 2: "float64", 14: "bfloat16", 19: "float16"}
"""Those of TensorFlow's types that a weight may have."""
_STRING = 7
MOST_SHARDS = 1024


@dataclass(frozen=True)
class Entry:
    """An array's description.

    Attributes:
        type: TensorFlow's number for it.
        shape: its dimensions.
        shard: which of the data files it lies in.
        place: where in it.
        size: how many bytes.
        checksum: the masked CRC-32C of those.
        sliced: whether it is cut in parts, which have entries of their own.
    """

    type: int
    shape: tuple[int, ...]
    shard: int
    place: int
    size: int
    checksum: int
    sliced: bool


class Bundle:
    """A checkpoint's arrays by key.

    Attributes:
        shards: how many data files there are.
        entries: the description of each array.
    """

    def __init__(self, index: Reader, shard: Callable[[int, int], Reader]) -> None:
        """Read the index.

        Args:
            index: the file `NAME.index`.
            shard: opens data file i of n.

        Raises:
            ModelFileError: it is no intact index.
        """
        found: Mapping[bytes, bytes] = table.entries(index)
        self.shards = _shards(found.get(b""))
        self.entries = {key: _entry(value) for key, value in found.items() if key}
        self._shard = shard
        self._open: dict[int, Reader] = {}

    def text(self, key: bytes) -> bytes:
        """The one text that a key stands for: its length, a checksum of the length, its bytes.

        Raises:
            ModelFileError: there is none.
        """
        entry = self.entries[key]
        if entry.type != _STRING or entry.shape != ():
            raise ModelFileError(f"damaged: {_shown(key)} is no text")
        data = self._bytes(key, entry, checked=False)
        length, place = varint(data, 0)
        text = data[place + 4 :]
        counted = length.to_bytes(8 if length > 0xFFFFFFFF else 4, "little") + data[place:]  # what the checksum is of
        if len(text) != length or masked(crc32c(counted)) != entry.checksum:
            raise ModelFileError(f"damaged: the checksum of {_shown(key)} does not match")
        return text

    def stored(self, key: bytes) -> Stored:
        """An array, not read yet.

        Raises:
            ModelFileError: its bytes are not there, or not as many as its shape needs.
        """
        entry = self.entries[key]
        kind = _TYPES.get(entry.type)
        if entry.sliced:
            raise ModelFileError(f"{_shown(key)} is cut in parts over several devices: save the model from one")
        if kind is None:
            return Stored(entry.shape, f"number {entry.type} of TensorFlow's", None)
        if size_of(entry.shape, FLOATS[kind]) != entry.size:
            raise ModelFileError(
                f"damaged: {_shown(key)} has {entry.size:,} bytes, which are not those of {list(entry.shape)}"
            )
        self._data(entry.shard).check(entry.place, entry.size)

        def numbers() -> NDArray[np.generic]:
            return decoded(self._bytes(key, entry), kind, entry.shape)

        return Stored(entry.shape, kind, numbers)

    def _bytes(self, key: bytes, entry: Entry, *, checked: bool = True) -> bytes:
        data = self._data(entry.shard).at(entry.place, entry.size)
        if checked and masked(crc32c(data)) != entry.checksum:
            raise ModelFileError(f"damaged: the checksum of {_shown(key)} does not match")
        return data

    def _data(self, number: int) -> Reader:
        if number not in self._open:
            if number >= self.shards:
                raise ModelFileError(f"damaged: it tells of data file {number} of {self.shards}")
            self._open[number] = self._shard(number, self.shards)
        return self._open[number]


def _shards(header: bytes | None) -> int:
    """The number of data files, out of the index's header."""
    if header is None:
        raise ModelFileError("a LevelDB table, but not the index of a TensorFlow checkpoint: it has no header")
    told = {field.tag: field.number for field in fields(header)}
    if told.get(2, 0) != 0:
        raise ModelFileError("written on a machine whose numbers begin with the highest byte, which is not read here")
    shards = told.get(1, 0)
    if not 1 <= shards <= MOST_SHARDS:
        raise ModelFileError(f"damaged: it tells of {shards:,} data files")
    return shards


def _entry(data: bytes) -> Entry:
    numbers, sliced = dict.fromkeys(range(1, 7), 0), False
    shape: tuple[int, ...] = ()
    for field in fields(data):
        if field.tag == 2:
            shape = _shape(field.data)
        elif field.tag == 7:
            sliced = True
        elif field.tag in numbers:
            numbers[field.tag] = field.number
    return Entry(numbers[1], shape, numbers[3], numbers[4], numbers[5], numbers[6], sliced)


def _shape(data: bytes) -> tuple[int, ...]:
    sides = [fields(field.data) for field in fields(data) if field.tag == 2]
    return tuple(next((part.number for part in side if part.tag == 1), 0) for side in sides)


def _shown(key: bytes) -> str:
    return named(key.decode("utf-8", "replace"))
