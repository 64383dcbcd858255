"""One safetensors file with one JSON document in its metadata, and a checksum over both.

The format runs no code. A reader checks the header, the document, the checksum's presence and every shape
before it takes memory for a tensor, and the checksum afterwards, so that any flipped bit is found.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from understudy.errors import ModelFileError
from understudy.layout import is_plain_file
from understudy.storage import write_whole

KEY = "understudy"
FORMAT = 1
Tensors = Mapping[str, NDArray[Any]]
Shapes = Mapping[str, tuple[int, ...]]
_LONGEST_HEADER = 100_000_000
"""In bytes; safetensors itself takes no longer one."""
_TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I64": np.int64}


def write(path: Path, kind: str, document: Mapping[str, Any], tensors: Tensors) -> None:
    """Replace `path` by a file that holds the document and the tensors, whole or not at all.

    Equal arguments give equal bytes.

    Raises:
        StorageError: the disk refused; `path` is as it was.
    """
    arrays = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    described = {**document, "format": FORMAT, "kind": kind}
    described["checksum"] = _checksum(described, arrays)
    write_whole(path, save(arrays, {KEY: _canonical(described)}))


def read(
    path: Path, kind: str, expected: Callable[[dict[str, Any]], Shapes]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and the tensors of a file that `write` made.

    Args:
        path: the file.
        kind: what the file must hold.
        expected: checks the document and tells the shape of every tensor that must be there.

    Raises:
        ModelFileError: the file is missing, not ours, of another kind or version, or damaged.
    """
    _check_start(path)
    try:
        with safe_open(path, framework="numpy") as file:
            document = _document(path, kind, file.metadata())
            _check_shapes(path, file, expected(document))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ModelFileError(f"{path}: not an intact safetensors file: {error}") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    checksum = document.pop("checksum")
    if checksum != _checksum(document, tensors):
        raise ModelFileError(f"{path}: damaged: its checksum does not match its content")
    return document, tensors


def _check_start(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"):
        raise ModelFileError(
            f"{path}: this is a pickle or PyTorch archive, which could run code when opened; "
            f"Understudy reads only its own .safetensors files"
        )


def _document(path: Path, kind: str, metadata: dict[str, str] | None) -> dict[str, Any]:
    if not metadata or KEY not in metadata:
        raise ModelFileError(f"{path}: a safetensors file, but not one that Understudy wrote")
    try:
        document = json.loads(metadata[KEY])
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: damaged: its description is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("checksum"), str):
        raise ModelFileError(f"{path}: damaged: its description has no checksum")
    if document.get("format") != FORMAT:
        raise ModelFileError(
            f"{path}: written in format {document.get('format')!r}; this version of Understudy reads {FORMAT}"
        )
    if document.get("kind") != kind:
        raise ModelFileError(f"{path}: holds a {document.get('kind')!r}, expected a {kind!r}")
    return document


def _check_shapes(path: Path, file: Any, expected: Shapes) -> None:
    names = set(file.keys())
    if names != set(expected):
        first = sorted(names ^ set(expected))[0]
        raise ModelFileError(f"{path}: tensor {first!r} is {'not expected' if first in names else 'missing'}")
    for name, shape in expected.items():
        stored = file.get_slice(name)
        if tuple(stored.get_shape()) != shape or stored.get_dtype() not in _TYPES:
            raise ModelFileError(
                f"{path}: tensor {name!r} is {stored.get_dtype()} {stored.get_shape()}, expected {list(shape)}"
            )


def _canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _checksum(document: Mapping[str, Any], tensors: Tensors) -> str:
    digest = hashlib.sha256(_canonical(document).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()


def kind_of(path: Path) -> str | None:
    """What a file of ours holds, as its header says; None where it is none of ours. Reads the header alone."""
    if not is_plain_file(path):
        return None
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= _LONGEST_HEADER else {}
        kind = json.loads(header["__metadata__"][KEY])["kind"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    return kind if isinstance(kind, str) else None
