"""A text elsewhere -> a copy on this machine: fetched once, gone on with where the connection was cut."""

import hashlib
import os
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from understudy.checks import named
from understudy.errors import DownloadError, StorageError, UnderstudyError
from understudy.text.progress import progress

_WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each new try, as long as nothing comes."""
_SOMETHING = 1 << 20
"""So many bytes between two cuts, and the waiting begins anew."""
_BLOCK = 1 << 20


class CutError(Exception):
    """The connection was cut, or the other side is too busy: what asks again may be answered."""


class ChangedError(Exception):
    """It is not what it was when it was looked at."""


class Look(NamedTuple):
    """What the other side tells of a text.

    Attributes:
        stamp: what changes when the text does: its ETag, or when it was written; None where there is no such thing.
        size: its bytes, where that is known.
    """

    stamp: str | None
    size: int | None


class Thing(Protocol):
    """A text that lies elsewhere."""

    @property
    def address(self) -> str:
        """Where it lies."""

    @property
    def insists(self) -> bool:
        """Whether what asks for it asks again by itself where it cannot be reached."""

    def look(self) -> Look:
        """What there is to be known of it; raises CutError, or an error that tells what is wrong."""

    def read(self, start: int, look: Look) -> tuple[int, Generator[bytes, None, None]]:
        """Its bytes in pieces, from `start` on or from the beginning, and from which of the two; raises as `look`.

        Reading the pieces raises CutError, or ChangedError where it is no longer what `look` says.
        """


def looked(thing: Thing) -> Look:
    """What there is to be known of a text, asked again where the connection is cut.

    Raises:
        TextError: there is nothing, or it may not be read.
        DownloadError: the other side does not answer.
    """
    for wait in (*(() if thing.insists else _WAITS), None):
        try:
            return thing.look()
        except CutError as error:
            if wait is None:
                raise DownloadError(
                    f"{named(thing.address)}: cannot be reached: {error}; see to the network and the name, and give "
                    f"the command again"
                ) from error
            time.sleep(wait)
    raise AssertionError("the last try returns or raises")


def fetch(thing: Thing, look: Look, folder: Path) -> tuple[Path, str]:
    """Fetch a text into a folder of the cache; where it lies, and its SHA-256, which is its name.

    What was fetched before of the same text, by its stamp and size, is gone on with. What is not whole has another
    name.

    Raises:
        TextError: it may no longer be read.
        DownloadError: the connection was cut again and again, or the text changed meanwhile.
        StorageError: the disk refused.
    """
    told = f"{thing.address}\n{look.stamp}\n{look.size}"
    key = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    aside = folder / f".{key}.partial"
    with _alone(folder / f".{key}.lock"):
        try:
            with _Partial.opened(aside, look) as partial:
                _complete(thing, look, partial)
                partial.flush()
            whole = folder / f"{partial.sha256}.text"
            os.replace(aside, whole)  # noqa: PTH105
        except OSError as error:
            _remove(aside)
            raise StorageError(
                f"cannot keep {named(thing.address)} in {named(folder)}: {error.strerror or error}; set "
                f"UNDERSTUDY_CACHE to a folder with room"
            ) from error
        except (UnderstudyError, ChangedError) as error:
            if look.stamp is None or isinstance(error, ChangedError):
                _remove(aside)
            if isinstance(error, ChangedError):
                raise DownloadError(
                    f"{named(thing.address)}: {error} while it was fetched; give the command again when it stays as it "
                    f"is"
                ) from error
            raise
    return whole, partial.sha256


def _complete(thing: Thing, look: Look, partial: "_Partial") -> None:
    """Fetch what is missing; raises as `fetch`."""
    cuts = 0
    done = look.size is not None and partial.size == look.size
    while not done:
        before = partial.size
        try:
            _more(thing, look, partial)
            done = True
        except CutError as error:
            cuts = 1 if partial.size - before >= _SOMETHING else cuts + 1
            if cuts > len(_WAITS):
                raise DownloadError(_given_up(thing, look, partial, error)) from error
            if look.stamp is None:
                partial.begin()
            time.sleep(_WAITS[cuts - 1])


def _more(thing: Thing, look: Look, partial: "_Partial") -> None:
    what = f"fetching {named(thing.address)}"
    start, pieces = thing.read(partial.size, look)
    if start != partial.size:
        partial.begin()
    with closing(pieces):
        for piece in pieces:
            partial.add(piece)
            if look.size is not None and partial.size > look.size:
                raise ChangedError(f"is longer than the {look.size:,} bytes that it was said to have")
            progress(what, partial.size, look.size)
    if look.size is not None and partial.size < look.size:
        raise CutError("it ended too soon")
    if look.size is None:
        progress(what, partial.size, partial.size)


def _given_up(thing: Thing, look: Look, partial: "_Partial", error: CutError) -> str:
    of_all = "" if look.size is None else f" of {look.size:,}"
    way = "give the command again"
    if look.stamp is not None and partial.size:
        way += ", which goes on from there"
    return f"{named(thing.address)}: the connection was cut after {partial.size:,}{of_all} bytes: {error}; {way}"


class _Partial:
    """A file that grows, and the digest of what is in it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    @classmethod
    @contextmanager
    def opened(cls, path: Path, look: Look) -> Iterator["_Partial"]:
        """The file, with what is there of the same text."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(path, flags, 0o600), "r+b") as file:  # noqa: PTH123 - a descriptor
            partial = cls(file)
            there = os.fstat(file.fileno()).st_size
            if look.stamp is None or look.size is None or there > look.size:
                partial.begin()
            else:
                partial.take_up()
            yield partial

    @property
    def sha256(self) -> str:
        """The digest."""
        return self._digest.hexdigest()

    def take_up(self) -> None:
        """Read what is there."""
        while block := self._file.read(_BLOCK):
            self._digest.update(block)
            self.size += len(block)

    def begin(self) -> None:
        """Begin anew."""
        self._file.seek(0)
        self._file.truncate()
        self._digest, self.size = hashlib.sha256(), 0

    def add(self, piece: bytes) -> None:
        """Add some bytes."""
        self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def flush(self) -> None:
        """Hand all of it to the system."""
        self._file.flush()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process fetch a text, where the file system has locks; another one waits for it."""
    from filelock import FileLock

    lock = FileLock(path)
    with suppress(OSError, NotImplementedError):
        lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        _remove(path)
        lock.release()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
