"""Sources that tell how far they are read."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, Any

from understudy.text.progress import is_observed, progress
from understudy.text.source import Source


class Meter:
    """Sources that tell how far they are read, in bytes as they lie on the disk, packed ones too.

    Attributes:
        sources: the sources, to be read once, in order.
    """

    def __init__(self, what: str, sources: Sequence[Source]) -> None:
        self._what = what
        sizes = [source.size for source in sources]
        known = [size for size in sizes if size is not None]
        self._total = sum(known) if len(known) == len(sizes) else None
        self._done = 0
        self.sources = list(map(self._told, sources)) if is_observed() else list(sources)

    def end(self) -> None:
        """Tell that all is read."""
        whole = self._done if self._total is None else self._total
        progress(self._what, whole, whole)

    def _told(self, source: Source) -> Source:
        def opened() -> IO[bytes]:
            return _Told(source.open(), self._reader(source.size))  # type: ignore[return-value]

        return Source(source.name, opened, source.size)

    def _reader(self, size: int | None) -> Callable[[IO[bytes], int], None]:
        """What tells of a source that has so many bytes, when so many more were given out of its file."""
        before, given = self._done, 0

        def read(file: IO[bytes], more: int) -> None:
            nonlocal given
            given += more
            self._done = before + (given if self._total is None or size is None else min(size, _place(file, given)))
            progress(self._what, self._done, self._total)

        return read


class _Told:
    """A file that tells of what is read from it."""

    def __init__(self, file: IO[bytes], read: Callable[[IO[bytes], int], None]) -> None:
        self._file, self._read = file, read

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._read(self._file, len(block))
        return block

    def __enter__(self) -> "_Told":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _place(file: IO[bytes], given: int) -> int:
    """How far a file is read where it lies, which is not how much a packed one gave; that, where it lies nowhere."""
    with suppress(OSError, AttributeError, ValueError):
        return os.lseek(file.fileno(), 0, os.SEEK_CUR)
    return given
