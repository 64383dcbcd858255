"""A LevelDB table, the form of a TensorFlow checkpoint's `.index`: sorted keys with their values, uncompressed."""

from collections.abc import Iterator
from typing import NamedTuple

from understudy.errors import ModelFileError
from understudy.foreign.crc32c import crc32c, masked
from understudy.foreign.protobuf import varint
from understudy.foreign.reading import Reader

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
"""What a table ends with."""
_FOOTER, _TRAILER = 48, 5
_MOST_ENTRIES, _LONGEST_KEY, _MOST_OF_KEYS, _LARGEST = 1 << 18, 1 << 14, 1 << 26, 1 << 28
"""Of a table: entries, bytes of a key, of all keys, and in all; a model of thousands of layers has a few megabytes."""
_UNCOMPRESSED, _SNAPPY = 0, 1


class _Handle(NamedTuple):
    """Where a block lies."""

    place: int
    size: int


def entries(reader: Reader) -> dict[bytes, bytes]:
    """All keys with their values.

    Raises:
        ModelFileError: it is no intact table, or a compressed one.
    """
    if reader.length < _FOOTER or reader.length > _LARGEST:
        raise ModelFileError(f"damaged: an index of {reader.length:,} bytes")
    footer = reader.at(reader.length - _FOOTER, _FOOTER)
    if not footer.endswith(MAGIC):
        raise ModelFileError("not the index of a TensorFlow checkpoint: it does not end as one does")
    _, place = _handle(footer, 0)  # of the block that tells of other blocks; there are none
    index, _ = _handle(footer, place)
    found: dict[bytes, bytes] = {}
    read = keys = 0
    for _, value in _entries(_block(reader, index)):
        handle, _ = _handle(value, 0)
        read += handle.size
        if read > reader.length:
            raise ModelFileError("damaged: its blocks lie in one another")
        for key, entry in _entries(_block(reader, handle)):
            keys += len(key)
            if len(found) >= _MOST_ENTRIES or keys > _MOST_OF_KEYS:
                raise ModelFileError(f"an index of {len(found):,} entries and more, which is no model's")
            found[key] = entry
    return found


def _handle(data: bytes, place: int) -> tuple[_Handle, int]:
    start, place = varint(data, place)
    size, place = varint(data, place)
    return _Handle(start, size), place


def _block(reader: Reader, handle: _Handle) -> bytes:
    """A block's content, which its checksum has been held against."""
    data = reader.at(handle.place, handle.size + _TRAILER)
    compression, stored = data[handle.size], int.from_bytes(data[-4:], "little")
    if masked(crc32c(data[:-4])) != stored:
        raise ModelFileError("damaged: the checksum of a block of its index does not match")
    if compression == _SNAPPY:
        raise ModelFileError("its index is compressed with snappy: expected one as TensorFlow writes it, uncompressed")
    if compression != _UNCOMPRESSED:
        raise ModelFileError(f"its index is compressed in the unknown way {compression}")
    return data[: handle.size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a block; each key is told by what it shares with the one before it, and the rest."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ModelFileError("damaged: a block of its index has no end")
    place, key = 0, b""
    while place < end:
        shared, place = varint(block, place)
        added, place = varint(block, place)
        size, place = varint(block, place)
        if shared > len(key) or added + size > end - place or shared + added > _LONGEST_KEY:
            raise ModelFileError("damaged: an entry of its index is longer than what holds it")
        key = key[:shared] + block[place : place + added]
        place += added
        yield key, block[place : place + size]
        place += size
