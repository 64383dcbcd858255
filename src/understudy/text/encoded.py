"""Ids on disk, memory-mapped: a corpus may be larger than memory."""

import hashlib
import mmap
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from understudy.errors import StorageError, TextError
from understudy.storage import replacing
from understudy.text.catalog import cache_folder
from understudy.text.corpus import Corpus, Survey, as_bytes
from understudy.text.vocabulary import Vocabulary

_FORGET_AFTER_DAYS = 30
_FAULT_AROUND = 1 << 16  # the system maps about this many bytes around each place that is touched
_RESIDENT_LIMIT = 1 << 26


class Ids:
    """A read-only sequence of ids, in memory or mapped from a file; a slice shares the same data.

    What has been read from a mapped file is given back to the system every 64 MB or so, so that a pass over a
    corpus of any size keeps resident memory small.
    """

    def __init__(self, data: NDArray[np.integer[Any]]) -> None:
        self._data = data
        self._touched = 0

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, place: slice) -> "Ids":
        return Ids(self._data[place])

    def read(self, start: int, stop: int) -> NDArray[np.int64]:
        """Ids `start` to `stop - 1`, shape (stop - start,)."""
        return self.gather(np.array([start]), stop - start)[:, 0]

    def gather(self, starts: NDArray[np.integer[Any]], length: int) -> NDArray[np.int64]:
        """The `length` ids from each of `starts` (B,), shape (length, B)."""
        out = np.empty((length, len(starts)), np.int64)
        for lane, start in enumerate(starts.tolist()):
            out[:, lane] = self._data[start : start + length]
        self._touched += len(starts) * (length * self._data.itemsize + _FAULT_AROUND)
        if self._touched > _RESIDENT_LIMIT:
            self._touched = 0
            self._forget()
        return out

    def _forget(self) -> None:
        base: Any = self._data
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            base.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class EncodedText:
    """A whole text as ids, with the digest of the text that they stand for."""

    ids: Ids
    sha256: str

    def __len__(self) -> int:
        return len(self.ids)


def encode(corpus: Corpus, survey: Survey, vocabulary: Vocabulary) -> EncodedText:
    """The corpus as ids, leaving out what `vocabulary` lacks (`survey.unknown_to` tells what that is).

    The ids are streamed into a file of the smallest unsigned type in the user's cache folder, named after the
    content and the vocabulary, so that the same text is encoded once. Files that nobody used for 30 days go.
    Where the cache cannot be written, an unnamed temporary file serves.

    Raises:
        StorageError: neither place could be written.
        TextError: the corpus changed between the survey and now.
    """
    folder = cache_folder() / "encoded"
    dtype = vocabulary.dtype
    path = folder / f"{survey.sha256[:32]}-{vocabulary.digest[:16]}.u{8 * dtype.itemsize}"
    unknown = sum(survey.unknown_to(vocabulary).values())
    size = (survey.length - unknown) * dtype.itemsize
    if size == 0:
        return EncodedText(Ids(np.zeros(0, dtype)), survey.sha256)
    try:
        if path.is_file() and path.stat().st_size == size:
            with suppress(OSError):  # in a cache that is read-only, its age does not matter either
                path.touch()
        else:
            _forget_old(folder)
            with replacing(path) as file:
                _write(file, corpus, survey, vocabulary)
        return EncodedText(Ids(np.memmap(path, dtype, "r")), survey.sha256)
    except (StorageError, OSError):
        try:
            with tempfile.TemporaryFile() as temporary:  # the mapping outlives it
                _write(temporary, corpus, survey, vocabulary)
                temporary.flush()
                return EncodedText(Ids(np.memmap(temporary, dtype, "r")), survey.sha256)
        except OSError as error:
            raise StorageError(
                f"cannot write the encoded text ({size:,} bytes) to {folder} or a temporary file: "
                f"{error.strerror}; set UNDERSTUDY_CACHE to a folder with room"
            ) from error


def _write(file: IO[bytes], corpus: Corpus, survey: Survey, vocabulary: Vocabulary) -> None:
    digest = hashlib.sha256()
    table = vocabulary.table()
    for piece in corpus.symbols(vocabulary.kind):
        digest.update(as_bytes(piece, vocabulary.kind))
        ids = table[piece]
        file.write(ids[ids >= 0].astype(vocabulary.dtype).tobytes())
    if digest.hexdigest() != survey.sha256:
        raise TextError(f"{corpus.name}: the text changed while it was being read; begin again when it stays as it is")


def _forget_old(folder: Path) -> None:
    if not folder.is_dir():
        return
    oldest = time.time() - _FORGET_AFTER_DAYS * 86400
    for path in folder.iterdir():
        with suppress(OSError):  # another process was faster, or it is not ours to remove
            if path.stat().st_mtime < oldest:
                path.unlink()
