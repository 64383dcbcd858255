"""One safetensors file with one JSON document in its metadata, and a checksum over both.

The format runs no code. A reader checks the header, the document, the checksum's presence and every shape
before it takes memory for a tensor, and the checksum afterwards, so that any flipped bit is found.
"""

import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from understudy.checks import named, shown
from understudy.errors import ModelFileError
from understudy.layout import is_plain_file
from understudy.model.documents import check_depth
from understudy.storage import write_whole

KEY = "understudy"
FORMAT = 1
Tensors = Mapping[str, NDArray[Any]]
Shapes = Mapping[str, tuple[int, ...]]
Made = TypeVar("Made")
_LONGEST_HEADER = 100_000_000
"""In bytes; safetensors itself takes no longer one."""
TYPES = ("F16", "F32", "F64", "I64")
"""What a tensor's numbers may be: what this package writes, and numpy knows."""
_LARGEST_DOCUMENT = 1 << 25
"""Characters of JSON; a vocabulary of all of Unicode has 13 million."""
_MOST_COMMAS = 1 << 18
"""In JSON, which makes objects of a hundred times its size; a run that learns from thousands of files has thousands."""


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
    path: Path,
    kind: str,
    expected: Callable[[dict[str, Any]], Shapes],
    types: Callable[[str], Collection[str]] = lambda name: TYPES,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and the tensors of a file that `write` made; see `read_for`."""
    return read_for(path, kind, expected, types, lambda document, tensors: (document, tensors))


def read_for(
    path: Path,
    kind: str,
    expected: Callable[[dict[str, Any]], Shapes],
    types: Callable[[str], Collection[str]],
    use: Callable[[dict[str, Any], dict[str, NDArray[Any]]], Made],
) -> Made:
    """What `use` makes of the document and the tensors of a file that `write` made.

    It begins while another thread still computes the checksum, which takes longer than all else; what it makes, or
    raises, counts only where the checksum turns out right.

    Args:
        path: the file.
        kind: what the file must hold.
        expected: checks the document and tells the shape of every tensor that must be there.
        types: which of `TYPES` the numbers of the tensor of that name may be.
        use: is given the document, without its checksum, and the tensors.

    Raises:
        ModelFileError: the file is missing, not ours, of another kind or version, or damaged.
    """
    document, tensors = _loaded(path, kind, expected, types)
    counting = _Counting(document.pop("checksum"), document, tensors)
    try:
        try:
            return use(document, tensors)
        finally:
            counting.check()
    except ModelFileError as error:
        raise ModelFileError(f"{named(path)}: {error}") from error


def _loaded(
    path: Path, kind: str, expected: Callable[[dict[str, Any]], Shapes], types: Callable[[str], Collection[str]]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document, with its checksum, and the tensors."""
    place = named(path)
    try:
        _check_start(path)
        with safe_open(path, framework="numpy") as file:
            document = _document(kind, file.metadata())
            _check_shapes(file, expected(document), types)
            return document, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except ModelFileError as error:
        raise ModelFileError(f"{place}: {error}") from error
    except SafetensorError as error:
        raise ModelFileError(f"{place}: not an intact safetensors file: {_said(error)}") from error
    except OSError as error:
        raise ModelFileError(f"{place}: cannot be read: {error.strerror or _said(error)}") from error
    except MemoryError as error:
        raise ModelFileError(f"{place}: there is not enough memory for what it holds") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{place}: not an intact safetensors file of ours") from error


class _Counting(threading.Thread):
    """The checksum of a document and tensors, computed while something else is done."""

    def __init__(self, told: str, document: Mapping[str, Any], tensors: Tensors) -> None:
        super().__init__(daemon=True)
        self._told, self._content = told, (dict(document), dict(tensors))
        self._found = ""
        self.start()

    def run(self) -> None:
        """Compute it."""
        self._found = _checksum(*self._content)

    def check(self) -> None:
        """Wait for it.

        Raises:
            ModelFileError: it is not the one that the file tells.
        """
        self.join()
        if self._found != self._told:
            raise ModelFileError("damaged: its checksum does not match its content")


def _said(error: Exception) -> str:
    """What another's exception says, in one short line."""
    return named(" ".join(str(error).split()))


def check_regular(status: os.stat_result) -> None:
    """Refuse what is no file before it is opened: a pipe would wait for its writer, a device may never end.

    Raises:
        ModelFileError: it is no regular file.
    """
    names = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    if not stat.S_ISREG(status.st_mode):
        what = names.get(stat.S_IFMT(status.st_mode), "folder")
        raise ModelFileError(f"this is a {what}, expected a file")


def _check_start(path: Path) -> None:
    status = path.stat()
    check_regular(status)
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:] == b"{" and int.from_bytes(start[:8], "little") <= status.st_size:
        return  # a header's length, which may begin with any two bytes
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"):
        raise ModelFileError(
            "this is a pickle or PyTorch archive, which could run code when opened; "
            "Understudy reads only its own .safetensors files"
        )


def _document(kind: str, metadata: dict[str, str] | None) -> dict[str, Any]:
    if not metadata or KEY not in metadata:
        raise ModelFileError("a safetensors file, but not one that Understudy wrote")
    if len(metadata[KEY]) > _LARGEST_DOCUMENT:
        raise ModelFileError(f"damaged: its description has more than {_LARGEST_DOCUMENT:,} characters")
    if metadata[KEY].count(",") > _MOST_COMMAS:
        raise ModelFileError(f"damaged: its description has more than {_MOST_COMMAS:,} parts")
    try:
        document = json.loads(metadata[KEY])
    except (ValueError, RecursionError) as error:
        raise ModelFileError("damaged: its description is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("checksum"), str):
        raise ModelFileError("damaged: its description has no checksum")
    if type(document.get("format")) is not int or document["format"] != FORMAT:
        raise ModelFileError(
            f"written in format {shown(document.get('format'))}; this version of Understudy reads {FORMAT}"
        )
    if document.get("kind") != kind:
        raise ModelFileError(f"holds a {shown(document.get('kind'))}, expected a {kind!r}")
    check_depth(document)
    return document


def _check_shapes(file: Any, expected: Shapes, types: Callable[[str], Collection[str]]) -> None:
    names = set(file.keys())
    if names != set(expected):
        first = sorted(names ^ set(expected))[0]
        raise ModelFileError(f"tensor {shown(first)} is {'not expected' if first in names else 'missing'}")
    for name, shape in expected.items():
        stored, allowed = file.get_slice(name), types(name)
        if tuple(stored.get_shape()) != shape or stored.get_dtype() not in allowed:
            raise ModelFileError(
                f"tensor {name!r} is {stored.get_dtype()} {shown(stored.get_shape())}, expected "
                f"{' or '.join(allowed)} {list(shape)}"
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
    document = told(path)
    kind = None if document is None else document.get("kind")
    return kind if isinstance(kind, str) else None


def told(path: Path) -> dict[str, Any] | None:
    """The document of a file of ours, as its header has it: nothing of it is checked. Reads the header alone."""
    if not is_plain_file(path):
        return None
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if length <= _LONGEST_HEADER else b""
        if header.count(b",") > _MOST_COMMAS:
            return None
        document = json.loads(json.loads(header)["__metadata__"][KEY])
    except (OSError, ValueError, RecursionError, KeyError, TypeError, MemoryError):
        return None
    return document if isinstance(document, dict) else None
