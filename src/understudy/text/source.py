"""Where a text comes from: files, folders, standard input, gzip or names."""

import errno
import gzip
import io
import os
import stat
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from understudy.checks import named
from understudy.errors import StorageError, TextError
from understudy.text import catalog
from understudy.text.folders import DEFAULT_GLOBS, texts_in
from understudy.text.progress import TAKING, progress

GZIP_MAGIC = b"\x1f\x8b"
_MOST_RECORDED = 200_000
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_ENDLESS = ("/proc", "/sys")
"""Where the system answers as if from files; some of those wait, and some never end."""


@dataclass(frozen=True)
class Source:
    """One stretch of text.

    Attributes:
        name: its name, for messages.
        open: a way to open its bytes as often as needed.
        size: how many bytes it has where it lies, packed if it is; None where that is not known.
    """

    name: str
    open: Callable[[], IO[bytes]]
    size: int | None = None


class Found(NamedTuple):
    """What the user named.

    Attributes:
        sources: the texts.
        left_out: the run folders, and files of runs, that lie in folders that were named.
    """

    sources: list[Source]
    left_out: list[str]


def find(texts: Iterable[str | Path], globs: Sequence[str] = ()) -> list[Source]:
    """The sources alone of what `look_up` finds."""
    return look_up(texts, globs).sources


def look_up(texts: Iterable[str | Path], globs: Sequence[str] = (), *, recorded: bool = False) -> Found:
    """Turn what the user named into sources, in the order given; a folder's files in name order.

    Args:
        texts: names of files and folders, `-` for standard input, `@name` for a named corpus; a path is always a
            file's or a folder's.
        globs: patterns of file names to take from folders, in place of `*.txt` and `*.txt.gz`.
        recorded: whether a run folder named them, which may come from a stranger. Then only files and folders are
            opened, nothing that might keep the reader waiting, and nothing is fetched.

    Raises:
        TextError: a path does not exist, may not be read or is a device, a folder holds no text, or no corpus has
            that name.
        DownloadError: a named corpus could not be fetched.
        StorageError: no room to keep what can be read only once.
    """
    sources: list[Source] = []
    left_out: list[str] = []
    for text in texts:
        name = str(text)
        path = Path(name)
        if name == "-" and not isinstance(text, Path):
            sources.append(_standard_input(recorded))
        elif name.startswith("@") and not isinstance(text, Path):
            sources.append(_corpus(name, recorded))
        elif name == "":
            raise TextError("a text without a name: give a text file, a folder of them, or - for standard input")
        elif recorded and path.drive.startswith("\\\\"):  # Windows would ask another machine for it
            raise TextError(f"{named(name)}: lies on another machine; name the text itself")
        elif stat.S_ISDIR(_status(path).st_mode):
            inside = texts_in(path, globs or DEFAULT_GLOBS, _MOST_RECORDED if recorded else None)
            sources += [_file(file, recorded) for file in inside.paths]
            left_out += inside.left_out
        else:
            sources.append(_file(path, recorded))
    return Found(sources, left_out)


def _corpus(name: str, recorded: bool) -> Source:
    if name not in catalog.names() and os.path.lexists(name):
        raise TextError(
            f"{named(name)}: no corpus of that name; there are {', '.join(catalog.names())}; "
            f"the file of that name is {named(f'./{name}')}"
        )
    return Source(name, catalog.opener(name, fetched=recorded))


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, OSError) and error.errno not in _NOT_THERE:
            raise TextError(f"{named(path)}: cannot be read: {error.strerror}") from error
        raise TextError(
            f"{named(path)}: no such file or folder; give a text file, a folder of them, - for standard input, "
            f"or one of {', '.join(catalog.names())}"
        ) from error


def _file(path: Path, recorded: bool) -> Source:
    status = _status(path)
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return Source(str(path), lambda: _unpacked(_at_once(path) if recorded else _plain(path)), status.st_size)
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or recorded:
        raise TextError(f"{named(path)}: neither a file nor a folder; name the text itself")
    with _plain(path) as stream:  # a pipe can be read only once
        return _spooled(str(path), stream)


def _plain(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise TextError(f"{named(path)}: cannot be read: {error.strerror}") from error


def _at_once(path: Path) -> IO[bytes]:
    """A file, after a look at it: never a device or a pipe, even where one has just taken its name.

    What the system makes up as it is read says that it is empty, and is taken at its word.
    """
    try:
        real = os.path.realpath(path)
        if not stat.S_ISREG(os.stat(real).st_mode) or any(real.startswith(f"{tree}/") for tree in _ENDLESS):  # noqa: PTH116
            raise TextError(f"{named(path)}: neither a file nor a folder; name the text itself")
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        file = open(descriptor, "rb")  # noqa: PTH123, SIM115 - a descriptor, which is the caller's to close
    except OSError as error:
        raise TextError(f"{named(path)}: cannot be read: {error.strerror}") from error
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size:
        return file
    file.close()
    return io.BytesIO()


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    """A file's bytes; those of a gzip file are what was packed, and closing that closes the file."""
    try:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _Unpacked(file) if packed else file  # type: ignore[return-value]


class _Unpacked(gzip.GzipFile):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(fileobj=file, mode="rb")
        self.myfileobj = file  # type: ignore[assignment]  # closed with this one


def _standard_input(recorded: bool) -> Source:
    stream = getattr(sys.stdin, "buffer", None)
    if recorded:
        raise TextError("the text came from standard input, and cannot be read there again; name it, or give it as -")
    if stream is None or stream.closed:
        raise TextError("standard input is not there to be read; give a text file, or pipe one in: cat a.txt | ...")
    if sys.stdin.isatty():
        raise TextError("standard input is a terminal, not a text; pipe one in, for example: cat a.txt | ...")
    return _spooled("standard input", stream)


def _spooled(name: str, stream: IO[bytes]) -> Source:
    """Keep what can be read only once in an unnamed temporary file, which goes with the source."""
    try:
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the source
    except OSError as error:
        raise _no_room(name, error) from error
    try:
        size = _copy(name, stream, spool)
        spool.seek(0)
        packed = spool.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    except (OSError, TextError) as error:
        with suppress(OSError):  # closing flushes, and fails again
            spool.close()
        raise error if isinstance(error, TextError) else _no_room(name, error) from error

    def open_again() -> IO[bytes]:
        view = io.BufferedReader(_View(spool))
        return gzip.open(view) if packed else view  # type: ignore[return-value]

    source = Source(name, open_again, None if packed else size)
    weakref.finalize(source, spool.close)
    return source


def _copy(name: str, stream: IO[bytes], spool: IO[bytes]) -> int:
    """Copy all that comes; how many bytes."""
    taken = 0
    read = getattr(stream, "read1", stream.read)  # what there is, so that a signal is met between two pieces
    while True:
        try:
            block = read(1 << 16)
        except (OSError, ValueError) as error:  # ValueError: closed
            raise TextError(f"{named(name)}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if not block:
            progress(TAKING, taken, taken)
            return taken
        spool.write(block)
        taken += len(block)
        progress(TAKING, taken, None)


def _no_room(name: str, error: OSError) -> StorageError:
    return StorageError(
        f"cannot keep {named(name)} in a temporary file: {error.strerror}; set TMPDIR to a folder with room"
    )


class _View(io.RawIOBase):
    """An independent reading position in a shared file, for threads and children too where the system has one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        if hasattr(os, "pread"):
            data = os.pread(self._file.fileno(), len(buffer), self._position)
        else:
            self._file.seek(self._position)
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
