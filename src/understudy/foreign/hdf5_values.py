"""What HDF5 tells of a value: its type, its dimensions, and, where it is an attribute, the value itself."""

from typing import Any, NamedTuple

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign.reading import MOST_DIMENSIONS, Reader

_MOST_TEXTS = 1 << 14
_FLOAT, _TEXT, _LONG = 1, 3, 9
_KINDS = {
    (2, 0, 16, 10, 5, 0, 10, 15): "float16",
    (2, 0, 16, 7, 8, 0, 7, 127): "bfloat16",
    (4, 0, 32, 23, 8, 0, 23, 127): "float32",
    (8, 0, 64, 52, 11, 0, 52, 1023): "float64",
}
"""By size in bytes; place of the first bit and number of bits; place and bits of exponent and mantissa; bias."""


class Type(NamedTuple):
    """A value's type.

    Attributes:
        name: that of a number as in `FLOATS`, "text", "long text", or what else it is.
        size: its bytes.
        big: whether the highest byte comes first.
    """

    name: str
    size: int
    big: bool = False


OPAQUE = Type("opaque", 2)
"""Two bytes of which HDF5 knows no more."""


def type_of(data: bytes) -> Type:
    """A type, out of the message that describes it.

    Raises:
        ModelFileError: it is none.
    """
    if len(data) < 8:
        raise ModelFileError("damaged: a value without a type")
    kind, size = data[0] & 0x0F, int.from_bytes(data[4:8], "little")
    if kind == _FLOAT and len(data) >= 20:
        place, bits = (int.from_bytes(data[at : at + 2], "little") for at in (8, 10))
        told = (size, place, bits, *data[12:16], int.from_bytes(data[16:20], "little"))
        order = data[1] & 0x41
        if told in _KINDS and order in (0, 1):
            return Type(_KINDS[told], size, order == 1)
        return Type(f"float of {8 * size} bits", size)
    if kind == _TEXT:
        return Type("text", size)
    if kind == _LONG and data[1] & 0x0F == 1:
        return Type("long text", size)
    return Type({0: "whole number", 5: "opaque"}.get(kind, f"HDF5 class {kind}"), size)


def dimensions(data: bytes) -> tuple[int, ...]:
    """A shape, out of the message that describes it; () for one value.

    Raises:
        ModelFileError: it is none.
    """
    version, rank = data[:2].ljust(2, b"\0")
    start = {1: 8, 2: 4}.get(version)
    if len(data) < 4 or start is None or rank > MOST_DIMENSIONS or len(data) < start + 8 * rank:
        raise ModelFileError("damaged: an array without a shape")
    if version == 2 and data[3] == 2:  # nothing at all
        return (0,)
    return tuple(int.from_bytes(data[start + 8 * at : start + 8 * at + 8], "little") for at in range(rank))


def attribute(reader: Reader, data: bytes) -> tuple[str, Any]:
    """The name and the value of an attribute: a text, a list of texts, or None for what is neither.

    Raises:
        ModelFileError: it is damaged.
    """
    version = data[0] if len(data) >= 8 else 0
    sizes = [int.from_bytes(data[at : at + 2], "little") for at in (2, 4, 6)]
    if version not in (1, 2, 3):
        raise ModelFileError("damaged: an attribute of an unknown form")
    place, parts = 8 if version < 3 else 9, []
    for size in sizes:
        parts.append(data[place : place + size])
        place += -(-size // 8) * 8 if version == 1 else size
    if place > len(data) or len(parts[1]) < 8 or len(parts[2]) < 4:
        raise ModelFileError("damaged: an attribute is longer than what holds it")
    name = named(parts[0].split(b"\0")[0].decode("utf-8", "replace"))
    kind, shape = type_of(parts[1]), dimensions(parts[2])
    if kind.name not in ("text", "long text") or len(shape) > 1:
        return name, None
    count = shape[0] if shape else 1
    value = data[place : place + count * kind.size]
    if count > _MOST_TEXTS or len(value) != count * kind.size:
        raise ModelFileError(f"damaged: the attribute {name!r} is longer than what holds it")
    pieces = [value[at * kind.size : (at + 1) * kind.size] for at in range(count)]
    if kind.name == "long text":
        pieces = _long(reader, pieces)
    texts = [piece.rstrip(b"\0").decode("utf-8", "replace") for piece in pieces]
    return name, texts if shape else texts[0]


def _long(reader: Reader, pieces: list[bytes]) -> list[bytes]:
    """Texts that lie in the file's heaps, each told by its length, its heap and its number there."""
    heaps: dict[int, dict[int, bytes]] = {}
    texts = []
    for piece in pieces:
        if len(piece) != 16:
            raise ModelFileError("damaged: a text without a place")
        length, heap, number = (int.from_bytes(piece[low:high], "little") for low, high in ((0, 4), (4, 12), (12, 16)))
        if length and heap not in heaps:
            heaps[heap] = _heap(reader, heap)
        found = heaps[heap].get(number, b"") if length else b""
        if len(found) < length:
            raise ModelFileError("damaged: a text that is not where the file says")
        reader.spend(length)
        texts.append(found[:length])
    return texts


def _heap(reader: Reader, place: int) -> dict[int, bytes]:
    """The objects of a heap by number."""
    start = reader.at(place, 16)
    size = int.from_bytes(start[8:16], "little")
    if start[:4] != b"GCOL":
        raise ModelFileError("damaged: texts are not where the file says")
    data = reader.at(place, size)
    found, at = {}, 16
    while at + 16 <= size:
        number, length = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 8 : at + 16], "little")
        if number == 0:
            break
        found[number] = data[at + 16 : at + 16 + length]
        at += 16 + -(-length // 8) * 8
    return found
