"""HDF5 as Keras writes it: groups of arrays and attributes, in the format's oldest form, read by ourselves.

The library of that name ends the process, or never ends, on some damaged files. What is read here: version 0 and 1 of
the superblock and version 1 of object headers, groups as symbol tables, arrays in one piece, numbers and texts as
attributes; that is what h5py writes unless told otherwise. "The HDF5 file format specification", version 3.0,
sections II to IV.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign.hdf5_values import OPAQUE, Type, attribute, dimensions, type_of
from understudy.foreign.reading import FLOATS, Reader, Stored, decoded, size_of

MAGIC = b"\x89HDF\r\n\x1a\n"
_MOST_OBJECTS, _MOST_MESSAGES, _DEEPEST, _LONGEST_NAME = 1 << 15, 1 << 10, 16, 1 << 8
_LARGEST_BLOCK = 1 << 22
_OTHERWISE = "expected what Keras writes; h5repack --low=0 --high=0 -l CONTI -f NONE brings it into that form"
_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUED, _SYMBOLS = 0x01, 0x03, 0x08, 0x0B, 0x0C, 0x10, 0x11
_SHARED = 0x02
_NOWHERE = 0xFFFFFFFFFFFFFFFF


class _Message(NamedTuple):
    """One of the parts of an object's header."""

    type: int
    data: bytes


@dataclass
class Contents:
    """All of a file by path, without a slash at the beginning; "" is the file itself.

    Attributes:
        groups: the attributes of each group.
        arrays: the arrays.
    """

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrays: dict[str, Stored] = field(default_factory=dict)


def contents(reader: Reader) -> Contents:
    """Walk through a file; no array is read.

    Raises:
        ModelFileError: it is damaged, or in a form that Keras does not write.
    """
    found = Contents()
    waiting, seen = [("", _root(reader))], set[int]()
    while waiting:
        path, place = waiting.pop()
        if place in seen or len(seen) > _MOST_OBJECTS:
            raise ModelFileError("damaged: its groups have no end")
        seen.add(place)
        messages = list(_messages(reader, place))
        table = next((message.data for message in messages if message.type == _SYMBOLS), None)
        if table is None:
            found.arrays[path] = _array(reader, path, messages)
            continue
        found.groups[path] = dict(_attributes(reader, messages))
        if path.count("/") >= _DEEPEST:
            raise ModelFileError(f"damaged: groups in groups, more than {_DEEPEST} deep")
        for name, child in _members(reader, table):
            waiting.append((f"{path}/{name}".removeprefix("/"), child))
            if len(waiting) > _MOST_OBJECTS:
                raise ModelFileError(f"more than {_MOST_OBJECTS:,} objects, which is no model's")
    return found


def _root(reader: Reader) -> int:
    """Where the header of the outermost group lies."""
    start = reader.at(0, 16)
    version = start[8]
    if version not in (0, 1):
        raise ModelFileError(f"an HDF5 file in a later form (superblock {version}); {_OTHERWISE}")
    if start[13:15] != b"\x08\x08":
        raise ModelFileError(f"an HDF5 file whose addresses have {start[13]} bytes; {_OTHERWISE}")
    return reader.number((24 if version == 0 else 28) + 4 * 8 + 8, 8)


def _messages(reader: Reader, place: int) -> Iterator[_Message]:
    """The parts of the header of the object at `place`."""
    start = reader.at(place, 16)
    if start[0] != 1:
        raise ModelFileError(
            f"an HDF5 object in a later form; {_OTHERWISE}" if start[:4] == b"OHDR" else "damaged: no object's header"
        )
    blocks = [(place + 16, int.from_bytes(start[8:12], "little"))]
    count = 0
    while blocks:
        block, size = blocks.pop(0)
        if size > _LARGEST_BLOCK:
            raise ModelFileError(f"damaged: a header of {size:,} bytes")
        data = reader.at(block, size)
        at = 0
        while at + 8 <= size:
            kind, length = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
            body = data[at + 8 : at + 8 + length]
            count += 1
            if len(body) != length or count > _MOST_MESSAGES:
                raise ModelFileError("damaged: an object's header is longer than what holds it")
            if data[at + 4] & _SHARED and kind in (_DATASPACE, _DATATYPE, _LAYOUT, _SYMBOLS, _ATTRIBUTE):
                raise ModelFileError(f"an HDF5 file whose objects share their descriptions; {_OTHERWISE}")
            if kind == _CONTINUED and length >= 16:
                blocks.append((int.from_bytes(body[:8], "little"), int.from_bytes(body[8:16], "little")))
            else:
                yield _Message(kind, body)
            at += 8 + length


def _attributes(reader: Reader, messages: list[_Message]) -> list[tuple[str, Any]]:
    return [attribute(reader, message.data) for message in messages if message.type == _ATTRIBUTE]


def _members(reader: Reader, table: bytes) -> Iterator[tuple[str, int]]:
    """The names in a group, each with where its object's header lies."""
    tree, heap = (int.from_bytes(table[at : at + 8], "little") for at in (0, 8))
    start = reader.at(heap, 32)
    if start[:4] != b"HEAP":
        raise ModelFileError("damaged: a group without its names")
    names, size = int.from_bytes(start[24:32], "little"), int.from_bytes(start[8:16], "little")
    reader.check(names, size)
    waiting, seen = [tree], set[int]()
    while waiting:
        node = waiting.pop()
        if node in seen or len(seen) > _MOST_OBJECTS:
            raise ModelFileError("damaged: a group's list of names has no end")
        seen.add(node)
        start = reader.at(node, 8)
        if start[:4] == b"SNOD":
            yield from _entries(reader, node + 8, int.from_bytes(start[6:8], "little"), (names, size))
        elif start[:5] == b"TREE\0":
            used = int.from_bytes(start[6:8], "little")
            keys = reader.at(node + 24, 16 * used)
            waiting += [int.from_bytes(keys[at + 8 : at + 16], "little") for at in reversed(range(0, len(keys), 16))]
        else:
            raise ModelFileError("damaged: a group without its list of names")


def _entries(reader: Reader, place: int, count: int, names: tuple[int, int]) -> Iterator[tuple[str, int]]:
    data = reader.at(place, 40 * count)
    for at in range(0, len(data), 40):
        offset, header = (int.from_bytes(data[at + by : at + by + 8], "little") for by in (0, 8))
        if header == _NOWHERE:
            raise ModelFileError("an HDF5 file with links to other files or places, which are not followed")
        if offset >= names[1]:
            raise ModelFileError("damaged: a name that is not there")
        name = reader.at(names[0] + offset, min(names[1] - offset, _LONGEST_NAME)).split(b"\0")[0]
        yield named(name.decode("utf-8", "replace")).replace("/", "\\"), header


def _array(reader: Reader, path: str, messages: list[_Message]) -> Stored:
    """An array, not read yet."""
    told = {message.type: message.data for message in messages}
    if not {_DATASPACE, _DATATYPE, _LAYOUT} <= set(told):
        raise ModelFileError(f"{named(path)} is neither a group nor an array")
    shape, kind = dimensions(told[_DATASPACE]), type_of(told[_DATATYPE])
    if kind == OPAQUE and ("dtype", "bfloat16") in _attributes(reader, messages):  # Keras 3 says so, HDF5 cannot
        kind = Type("bfloat16", kind.size)
    size = size_of(shape, kind.size)
    layout = told[_LAYOUT]
    if kind.name not in FLOATS:
        return Stored(shape, kind.name, None)
    if _FILTERS in told or layout[:2] not in (b"\x03\0", b"\x03\x01"):
        raise ModelFileError(f"{named(path)} is compressed, or lies in pieces; {_OTHERWISE}")
    compact = layout[1] == 0
    place, length = (
        (0, int.from_bytes(layout[2:4], "little"))
        if compact
        else (int.from_bytes(layout[2:10], "little"), int.from_bytes(layout[10:18], "little"))
    )
    if compact:
        length = min(length, len(layout) - 4)
    if length != size or (place == _NOWHERE and size):
        raise ModelFileError(f"damaged: {named(path)} has {length:,} bytes, which are not those of {list(shape)}")
    if not compact and size:
        reader.check(place, size)

    def numbers() -> NDArray[np.generic]:
        data = layout[4 : 4 + size] if compact else reader.at(place, size) if size else b""
        return decoded(data, kind.name, shape, big=kind.big)

    return Stored(shape, kind.name, numbers)
