"""Ids on disk, memory-mapped: a corpus may be larger than memory."""

import hashlib
import mmap
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.errors import StorageError, TextError
from understudy.text import cache
from understudy.text.coding import Coder, as_bytes
from understudy.text.corpus import Corpus, Survey
from understudy.text.digest import Digest
from understudy.text.progress import CHECKING, ENCODING, progress
from understudy.text.vocabulary import Vocabulary

_FAULT_AROUND = 1 << 16  # the system maps about this many bytes around each place that is touched
_RESIDENT_LIMIT = 1 << 26
_BLOCK = 1 << 20


class Ids:
    """A read-only sequence of ids, in memory or mapped from a file; a slice shares the same data.

    What has been read from a mapped file is given back to the system every 64 MB or so, so that a pass over a
    corpus of any size keeps resident memory small.
    """

    def __init__(self, data: NDArray[np.integer[Any]], symbols: int | None = None) -> None:
        """Take ids, shape (T,).

        Args:
            data: the ids.
            symbols: how many symbols there are. What is read is then held against that number: others may write to
                a mapped file, and the kernels look ids up without asking.
        """
        self._data = data
        self._symbols = symbols
        self._map = _mapping(data)
        self._touched = 0

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, place: slice) -> "Ids":
        return Ids(self._data[place], self._symbols)

    def read(self, start: int, stop: int) -> NDArray[np.int64]:
        """Ids `start` to `stop - 1`, shape (stop - start,)."""
        return self.gather(np.array([start], np.int64), stop - start)[:, 0]

    def gather(self, starts: NDArray[np.integer[Any]], length: int) -> NDArray[np.int64]:
        """The `length` ids from each of `starts` (B,), shape (length, B).

        Raises:
            TextError: one of them stands for no symbol, or the file was cut short.
        """
        if self._map is not None and self._map.size() < len(self._map):  # reading there would end the process
            raise _changed("its file was cut short")
        out = np.empty((length, len(starts)), np.int64)
        for lane, start in enumerate(starts.tolist()):
            out[:, lane] = self._data[start : start + length]
        self._touched += len(starts) * (length * self._data.itemsize + _FAULT_AROUND)
        if self._touched > _RESIDENT_LIMIT:
            self._touched = 0
            self._forget()
        if self._symbols is not None and out.size:
            highest = int(out.view(np.uint64).max())  # what is below zero is very large here
            if highest >= self._symbols:
                raise _changed(f"it holds an id that stands for none of the {self._symbols:,} symbols")
        return out

    def _forget(self) -> None:
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _mapping(data: NDArray[np.integer[Any]]) -> mmap.mmap | None:
    """The mapped file that ids lie in, if they do."""
    base: Any = data
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def _changed(how: str) -> TextError:
    return TextError(
        f"the encoded text was changed by another program while it was read: {how}; begin again, and it is made anew"
    )


@dataclass(frozen=True)
class EncodedText:
    """A whole text as ids, with the digest of the text that they stand for."""

    ids: Ids
    sha256: str

    def __len__(self) -> int:
        return len(self.ids)


def encode(corpus: Corpus, survey: Survey, vocabulary: Vocabulary) -> EncodedText:
    """The corpus as ids, leaving out what `vocabulary` lacks (`survey.unknown_to` tells what that is).

    The ids are streamed into a file of the smallest unsigned type in the user's cache folder, named after the content
    and the vocabulary, so that the same text is encoded once. A digest stands at its end and is checked whenever the
    file is taken, other than by the process that has just written it, where nobody touched it since; one that does not
    fit is made again. Files that nobody used for 30 days go. Where there is no cache, or it cannot be written, an
    unnamed temporary file serves.

    Raises:
        StorageError: neither place could be written.
        TextError: the corpus changed between the survey and now.
    """
    length = survey.length - sum(survey.unknown_to(vocabulary).values())
    if length == 0:
        return EncodedText(Ids(np.zeros(0, vocabulary.dtype), len(vocabulary)), survey.sha256)
    job = _Job(corpus, survey, vocabulary, length)
    data = _from_cache(job)
    return EncodedText(Ids(job.temporary() if data is None else data, len(vocabulary)), survey.sha256)


class _Job(NamedTuple):
    """A text to encode: its ids are those of so many symbols."""

    corpus: Corpus
    survey: Survey
    vocabulary: Vocabulary
    length: int

    @property
    def size(self) -> int:
        """The bytes of the ids."""
        return self.length * self.vocabulary.dtype.itemsize

    @property
    def name(self) -> str:
        """The name of the file in the cache."""
        bits = 8 * self.vocabulary.dtype.itemsize
        return f"{self.survey.sha256[:32]}-{self.vocabulary.digest[:16]}.u{bits}"

    @property
    def beginning(self) -> bytes:
        """What a digest of the ids begins with: what they stand for."""
        return f"{self.survey.sha256} {self.vocabulary.digest} {self.length}\n".encode()

    def write(self, file: IO[bytes]) -> None:
        """Write the ids, and their digest."""
        coder = Coder(self.vocabulary, lacks=self.length < self.survey.length)
        done, size = 0, self.survey.size
        with Digest() as text, Digest(self.beginning) as digest:
            for _, piece in self.corpus.written(self.vocabulary.kind):
                data = as_bytes(piece)
                text.update(data)
                ids = coder.ids(piece, data)
                digest.update(ids)
                file.write(ids)
                done += len(data)
                progress(ENCODING, min(done, size), size)
            if text.hexdigest() != self.survey.sha256:
                raise TextError(
                    f"{self.corpus.name}: the text changed while it was being read; begin again when it stays as it is"
                )
            file.write(digest.digest())

    def take(self, path: Path, written: os.stat_result | None = None) -> NDArray[np.integer[Any]] | None:
        """The ids in a file, mapped; None where it is not there, or not what was written.

        Args:
            path: the file.
            written: what the system told of the file that this process has just written there, and need not check.
        """
        try:
            file = _opened(path)
        except FileNotFoundError:
            return None
        with file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size != self.size + hashlib.sha256().digest_size:
                return None
            if (written is not None and _untouched(written, status)) or self._is_whole(file):
                return self.mapped(file)
            return None

    def _is_whole(self, file: IO[bytes]) -> bool:
        """Whether a file holds ids with their digest."""
        digest, block, left = hashlib.sha256(self.beginning), memoryview(bytearray(_BLOCK)), self.size
        while left:
            taken = file.readinto(block[: min(left, _BLOCK)])  # type: ignore[attr-defined]
            if not taken:
                return False
            digest.update(block[:taken])
            left -= taken
            progress(CHECKING, self.size - left, self.size)
        return file.read(digest.digest_size) == digest.digest()

    def mapped(self, file: IO[bytes]) -> NDArray[np.integer[Any]]:
        """The ids in an open file; the mapping outlives it."""
        return np.memmap(file, self.vocabulary.dtype, "r", shape=(self.length,))

    def temporary(self) -> NDArray[np.integer[Any]]:
        """The ids in an unnamed temporary file, mapped."""
        try:
            with tempfile.TemporaryFile() as file:
                self.write(file)
                file.flush()
                return self.mapped(file)
        except OSError as error:
            place = cache.cache_folder()
            raise StorageError(
                f"cannot write the encoded text ({self.size:,} bytes) to {place or 'a cache folder'} or a temporary "
                f"file: {error.strerror}; set UNDERSTUDY_CACHE to a folder with room"
            ) from error


def _from_cache(job: _Job) -> NDArray[np.integer[Any]] | None:
    """The ids from the cache, written there if need be; None where it does not serve."""
    with suppress(OSError):
        folder = cache.private_folder(cache.ENCODED)
        data = job.take(folder / job.name)
        if data is None:
            cache.forget_old(cache.ENCODED)
            with cache.adding(folder, job.name) as file:
                job.write(file)
                file.flush()
                written = os.fstat(file.fileno())
            return job.take(folder / job.name, written)
        with suppress(OSError):  # in a cache that is read-only, its age does not matter either
            os.utime(folder / job.name)
        return data
    return None


def _untouched(written: os.stat_result, found: os.stat_result) -> bool:
    """Whether a file is the one that was written, and nobody has written to it since."""
    return os.path.samestat(written, found) and written.st_mtime_ns == found.st_mtime_ns


def _opened(path: Path) -> IO[bytes]:
    """A file opened without waiting for whatever may have taken its place."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - a descriptor
    except OSError:  # a folder
        os.close(descriptor)
        raise
