"""Where a text comes from: files, folders, standard input, gzip, names, or strings already in memory."""

import gzip
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from understudy.errors import TextError
from understudy.text import catalog

GZIP_MAGIC = b"\x1f\x8b"
DEFAULT_GLOBS = ("*.txt", "*.txt.gz")


@dataclass(frozen=True)
class Source:
    """One stretch of text: a name for messages, and a way to open its bytes as often as needed."""

    name: str
    open: Callable[[], IO[bytes]]


def find(texts: Iterable[str | Path], globs: Sequence[str] = ()) -> list[Source]:
    """Turn what the user named into sources, in the order given; a folder's files in name order.

    Args:
        texts: paths of files and folders, `-` for standard input, `@name` for a named corpus.
        globs: patterns of file names to take from folders, in place of `*.txt` and `*.txt.gz`.

    Raises:
        TextError: a path does not exist, a folder holds no text, or no corpus has that name.
        DownloadError: a named corpus could not be fetched.
    """
    sources: list[Source] = []
    for text in texts:
        name = str(text)
        if name == "-":
            sources.append(_standard_input())
        elif name.startswith("@"):
            sources.append(Source(name, catalog.opener(name)))
        elif Path(name).is_dir():
            sources += _folder(Path(name), globs or DEFAULT_GLOBS)
        else:
            sources.append(_file(Path(name)))
    return sources


def in_memory(text: str, name: str = "text") -> Source:
    """A string that the caller already has."""
    data = text.encode("utf-8", "surrogatepass")
    return Source(name, lambda: io.BytesIO(data))


def _file(path: Path) -> Source:
    if not path.exists():
        raise TextError(
            f"{path}: no such file or folder; give a text file, a folder of them, - for standard input, "
            f"or one of {', '.join(catalog.names())}"
        )
    if path.is_file():
        return Source(str(path), lambda: _open(path))
    return _spooled(str(path), path.open("rb"))  # a pipe or a device can be read only once


def _open(path: Path) -> IO[bytes]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise TextError(f"{path}: cannot be read: {error.strerror}") from error
    magic = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return gzip.open(file) if magic == GZIP_MAGIC else file  # type: ignore[return-value]


def _folder(folder: Path, globs: Sequence[str]) -> list[Source]:
    found = {
        path
        for pattern in globs
        for path in folder.rglob(pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
    if not found:
        raise TextError(
            f"{folder}: no text in this folder: expected files named {' or '.join(globs)}; "
            f"name others with --glob, for example --glob '*.md'"
        )
    return [_file(path) for path in sorted(found, key=lambda path: path.relative_to(folder).as_posix())]


def _standard_input() -> Source:
    if sys.stdin is None or sys.stdin.isatty():
        raise TextError("standard input is a terminal, not a text; pipe one in, for example: cat a.txt | ...")
    return _spooled("standard input", sys.stdin.buffer)


def _spooled(name: str, stream: IO[bytes]) -> Source:
    """Keep what can be read only once in an unnamed temporary file; it goes when the last user goes."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
    with stream:
        shutil.copyfileobj(stream, spool)
    spool.seek(0)
    packed = spool.read(len(GZIP_MAGIC)) == GZIP_MAGIC

    def open_again() -> IO[bytes]:
        view = io.BufferedReader(_View(spool))
        return gzip.open(view) if packed else view  # type: ignore[return-value]

    return Source(name, open_again)


class _View(io.RawIOBase):
    """An independent reading position in a shared file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        self._file.seek(self._position)
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
