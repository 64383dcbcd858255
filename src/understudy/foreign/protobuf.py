"""Protocol buffers, as far as TensorFlow's bundles use them: a message's fields by number, within its bytes."""

from collections.abc import Iterator
from typing import NamedTuple

from understudy.errors import ModelFileError

_LONGEST_VARINT = 10
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        tag: its number.
        number: its value, where it is a number, otherwise 0.
        data: its bytes, where it has some: a text or another message.
    """

    tag: int
    number: int
    data: bytes


def varint(data: bytes, place: int) -> tuple[int, int]:
    """The number of seven bits a byte at `place`, and the place after it.

    Raises:
        ModelFileError: it does not end.
    """
    number = 0
    for step, byte in enumerate(data[place : place + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * step)
        if not byte & 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, place + step + 1
    raise ModelFileError("damaged: a number without an end")


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a message, in the order in which they lie.

    Raises:
        ModelFileError: it is none.
    """
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        tag, wire = key >> 3, key & 7
        if wire == _VARINT:
            number, place = varint(data, place)
            yield Field(tag, number, b"")
            continue
        if wire == _BYTES:
            size, place = varint(data, place)
        elif wire in (_EIGHT, _FOUR):
            size = 8 if wire == _EIGHT else 4
        else:
            raise ModelFileError(f"damaged: a field of the unknown kind {wire}")
        if size > len(data) - place:
            raise ModelFileError("damaged: a field longer than what holds it")
        part, place = data[place : place + size], place + size
        yield Field(tag, 0, part) if wire == _BYTES else Field(tag, int.from_bytes(part, "little"), b"")


def text(data: bytes) -> str:
    """A field's text.

    Raises:
        ModelFileError: it is none.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ModelFileError("damaged: a name that is no text") from error
