"""A safetensors file's tensors: a header in JSON, every bound of which is checked, and the bytes after it."""

import json
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from understudy.checks import named, shown
from understudy.errors import ModelFileError
from understudy.foreign.reading import FLOATS, Reader, Stored, decoded, size_of
from understudy.model.container import KEY

LONGEST_HEADER = 1 << 24
_MOST_COMMAS = 1 << 18
_TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}
_OTHERS = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "U32": 4, "I32": 4, "U64": 8}
_WIDTHS = {name: FLOATS[kind] for name, kind in _TYPES.items()} | _OTHERS | {"I64": 8}


def stored(reader: Reader) -> dict[str, Stored]:
    """The tensors of a file by name, not read yet.

    Raises:
        ModelFileError: it is damaged, or one that Understudy wrote.
    """
    length = reader.number(0, 8)
    if length > LONGEST_HEADER:
        raise ModelFileError(f"damaged: a header of {length:,} bytes")
    try:
        text = reader.at(8, length).decode()
        if text.count(",") > _MOST_COMMAS:
            raise ModelFileError(f"damaged: a header of more than {_MOST_COMMAS:,} parts")
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError("not an intact safetensors file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise ModelFileError("not an intact safetensors file: its header names nothing")
    told = header.pop("__metadata__", None)
    if isinstance(told, dict) and KEY in told:
        raise ModelFileError("a model file of Understudy's own, which needs no import; give it to understudy generate")
    return {name: _stored(reader, 8 + length, name, entry) for name, entry in header.items()}


def _stored(reader: Reader, start: int, name: str, entry: Any) -> Stored:
    damaged = ModelFileError(f"not an intact safetensors file: {named(name)} is {shown(entry)}")
    told: dict[str, Any] = entry if isinstance(entry, dict) else {}
    kind, shape, place = told.get("dtype"), _numbers(told.get("shape")), _numbers(told.get("data_offsets"))
    if not isinstance(kind, str) or kind not in _WIDTHS or shape is None or place is None or len(place) != 2:
        raise damaged
    size = size_of(shape, _WIDTHS[kind])
    if place[1] - place[0] != size:
        raise damaged
    reader.check(start + place[0], size)
    return Stored(shape, kind, _reading(reader, start + place[0], size, kind, shape))


def _reading(
    reader: Reader, place: int, size: int, kind: str, shape: tuple[int, ...]
) -> Callable[[], NDArray[Any]] | None:
    if kind not in _TYPES:
        return None
    return lambda: decoded(reader.at(place, size), _TYPES[kind], shape)


def _numbers(value: Any) -> tuple[int, ...] | None:
    """A list of whole numbers out of the header, none of them below zero; None where it is none."""
    fits = isinstance(value, list) and all(type(part) is int and 0 <= part < 1 << 63 for part in value)
    return tuple(value) if fits else None
