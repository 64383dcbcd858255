"""Where a text comes from: files, folders, standard input, gzip or names."""

import gzip
import io
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from understudy.errors import StorageError, TextError
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
        StorageError: no room to keep what can be read only once.
    """
    sources: list[Source] = []
    for text in texts:
        name = str(text)
        if name == "-":
            sources.append(_standard_input())
        elif name.startswith("@"):
            sources.append(Source(name, catalog.opener(name)))
        elif _exists(Path(name)) and Path(name).is_dir():
            sources += _folder(Path(name), globs or DEFAULT_GLOBS)
        else:
            sources.append(_file(Path(name)))
    return sources


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name longer than the system allows, or a folder on the way that it does not let us enter
        return False


def _file(path: Path) -> Source:
    if not _exists(path):
        raise TextError(
            f"{path}: no such file or folder; give a text file, a folder of them, - for standard input, "
            f"or one of {', '.join(catalog.names())}"
        )
    if path.is_file():
        return Source(str(path), lambda: _open(path))
    with _plain(path) as stream:  # a pipe or a device can be read only once
        return _spooled(str(path), stream)


def _open(path: Path) -> IO[bytes]:
    with _plain(path) as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path) if packed else _plain(path)  # type: ignore[return-value]


def _plain(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise TextError(f"{path}: cannot be read: {error.strerror}") from error


def _folder(folder: Path, globs: Sequence[str]) -> list[Source]:
    wanted = " or ".join(map(repr, globs))
    try:
        found = {
            path
            for pattern in globs
            for path in folder.rglob(pattern)
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        }
    except (ValueError, NotImplementedError) as error:
        raise TextError(f"--glob {wanted}: not a pattern of file names, such as '*.md': {error}") from error
    if not found:
        raise TextError(
            f"{folder}: no text in this folder: expected files named {wanted}; "
            f"name others with --glob, for example --glob '*.md'"
        )
    return [_file(path) for path in sorted(found, key=lambda path: path.relative_to(folder).as_posix())]


def _standard_input() -> Source:
    if sys.stdin is None or sys.stdin.isatty():
        raise TextError("standard input is a terminal, not a text; pipe one in, for example: cat a.txt | ...")
    return _spooled("standard input", sys.stdin.buffer)


def _spooled(name: str, stream: IO[bytes]) -> Source:
    """Keep what can be read only once in an unnamed temporary file, which goes with the source."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
    try:
        shutil.copyfileobj(stream, spool)
        spool.seek(0)
        packed = spool.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    except OSError as error:
        with suppress(OSError):  # closing flushes, and fails again
            spool.close()
        raise StorageError(
            f"cannot keep {name} in a temporary file: {error.strerror}; set TMPDIR to a folder with room"
        ) from error

    def open_again() -> IO[bytes]:
        view = io.BufferedReader(_View(spool))
        return gzip.open(view) if packed else view  # type: ignore[return-value]

    source = Source(name, open_again)
    weakref.finalize(source, spool.close)
    return source


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
