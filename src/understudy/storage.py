"""Files that are either whole or not there: written aside, synced, renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from understudy.errors import StorageError


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` only when the block ends without an exception.

    The bytes go to a neighbour named `.<name>.<process>.partial`, which is synced to the disk, renamed over
    `path`, and the folder synced too. Whenever the process dies, `path` is the old file or the new one.

    Raises:
        StorageError: the disk refused; the neighbour is removed and `path` is as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
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


def remove_partials(folder: Path) -> None:
    """Remove what killed processes left behind in `folder`; the caller holds the folder's lock."""
    for left in folder.glob(".*.partial"):
        left.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    with suppress(OSError):  # a folder that is a file, or read-only, says so here as well; the first error counts
        path.unlink()


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable, where the system lets a folder be opened (Windows does not)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
