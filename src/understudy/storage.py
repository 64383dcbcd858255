"""Files that are either whole or not there: written aside, synced, renamed."""

import errno
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from understudy.errors import StorageError

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EPERM, errno.EBADF, errno.EISDIR}
"""What systems and file systems say that do not sync a folder, or do not let it be opened for that."""


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` only when the block ends without an exception.

    The bytes go to a neighbour named `.<name>.<process>-<chance>.partial`, which nobody else has, in another container
    or thread; it is synced to the disk, renamed over `path`, and the folder synced too. Whenever the process dies,
    `path` is the old file or the new one. A symbolic link of that name gives way; what it points to is untouched.

    Raises:
        StorageError: the disk refused; the neighbour is removed and `path` is as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _remove(aside)
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; what was there before is untouched"
        ) from error
    except BaseException:
        _remove(aside)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all.

    Raises:
        StorageError: the disk refused; `path` is as it was.
    """
    with replacing(path) as file:
        file.write(data)


_IN_MEMORY = 1 << 24


class Scratch:
    """Bytes to write and to read, which are gone when it is closed: where there are many, in a file without a name."""

    def __init__(self) -> None:
        """Make the file.

        Raises:
            StorageError: the disk refused, here and wherever it is used.
        """
        with _scratching():
            self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - it lives as long as this

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()

    def write(self, at: int, data: bytes) -> None:
        """Put bytes at a place."""
        with _scratching():
            self._file.seek(at)
            self._file.write(data)

    def read(self, at: int, size: int) -> bytes:
        """So many bytes from a place on, or what there is of them."""
        with _scratching():
            self._file.seek(at)
            return self._file.read(size)


@contextmanager
def _scratching() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write a temporary file: {error.strerror or error}; set TMPDIR to a folder with room"
        ) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_partials(folder: Path, ours: Callable[[str], bool]) -> None:
    """Remove what killed processes left behind in `folder` of files whose names are ours.

    The caller holds the folder's lock.
    """
    for left in folder.glob(".*.partial"):
        found = _PARTIAL.fullmatch(left.name)
        if found is not None and ours(found[1]):
            _remove(left)


_PARTIAL = re.compile(r"\.(.+)\.\d+(?:-[0-9a-f]{8})?\.partial", re.DOTALL)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a folder that is a file, or read-only, says so here as well; the first error counts
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable, where the system and the file system let a folder be synced."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
