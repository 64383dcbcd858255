"""Files that grow with a run, each cut back to what belongs to a checkpoint when the run goes on from there.

A checkpoint records of each how long it was and the digest of its content, so that a run goes on only with what it
wrote itself: a user's file of that name, or one that a link points to, is never cut.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from understudy.errors import ConfigError, StorageError
from understudy.layout import METRICS, SAMPLES, is_plain_file
from understudy.storage import replacing

_PIECE = 1 << 20
_OPENINGS = {
    METRICS: (b'{"step": ', (b', "epoch": ', b', "setback": ')),
    SAMPLES: (b"--- step ", (b" ---\n",)),
}
"""How a run begins each file: with this, a number, and one of those."""


class Written(NamedTuple):
    """How far a file had grown, and the SHA-256 of what it held then.

    Attributes:
        size: in bytes.
        sha256: in hexadecimal; "" in checkpoints of before it was recorded.
    """

    size: int
    sha256: str


NOTHING = Written(0, hashlib.sha256().hexdigest())


def looks_ours(path: Path) -> bool:
    """Whether a file that no checkpoint tells of begins as a run begins it, as far as it goes, and is no link."""
    if not is_plain_file(path):
        return False
    try:
        with path.open("rb") as file:
            first = file.read(64)
    except OSError:
        return False
    opening, then = _OPENINGS[path.name]
    if not first.startswith(opening):
        return opening.startswith(first)
    rest = first.removeprefix(opening).lstrip(b"0123456789")
    return any(rest.startswith(end) or end.startswith(rest) for end in then)


def is_ours(path: Path, record: Written) -> bool:
    """Whether a file begins with what was recorded, and so is the one that the run made; or holds nothing at all."""
    if not record.size or not record.sha256:
        return looks_ours(path)
    return is_plain_file(path) and (not path.stat().st_size or _digest(path, record.size).hexdigest() == record.sha256)


class GrowingFile:
    """One of a run's files that grow: `metrics.jsonl` or `samples.txt`."""

    def __init__(self, path: Path, record: Written = NOTHING) -> None:
        """Open the file to go on where the record says, or anew where it is gone; what follows there is cut off.

        Where the file has other names, as in a copy of the run that is made of hard links, those keep what they had.
        Whether the file is the run's is to be found out before (`is_ours`).

        Raises:
            StorageError: the disk refused.
        """
        self.path = path
        try:
            if path.exists():
                status = path.stat()
                if status.st_size > record.size or status.st_nlink > 1:
                    _cut(path, record.size)
                self._digest = _digest(path, record.size)
                self._file: IO[bytes] = _append_only(path, 0)
            else:
                self._digest = hashlib.sha256()
                self._file = _append_only(path, os.O_CREAT | os.O_EXCL)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error

    def append(self, text: str) -> None:
        """Add text; where a character cannot be written, its escape.

        Raises:
            StorageError: the disk refused.
        """
        data = text.encode("utf-8", "backslashreplace")
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}: {error.strerror or error}; the last checkpoint is untouched"
            ) from error
        self._digest.update(data)

    def written(self) -> Written:
        """How far it has grown; all of it is on the disk.

        Raises:
            StorageError: the disk refused.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}: {error.strerror or error}; the last checkpoint is untouched"
            ) from error
        return Written(self._file.tell(), self._digest.hexdigest())

    def close(self) -> None:
        """Let it go; what a full disk refused has been told."""
        with suppress(OSError):
            self._file.close()


def not_made_here(path: Path) -> ConfigError:
    """The complaint about a file that has one of a run's names."""
    return ConfigError(
        f"{path}: this is not what a run of Understudy wrote here, and a run has a file of that name; move it away, or "
        f"choose another --out"
    )


def written_document(files: dict[str, Written]) -> dict[str, Any]:
    """What a checkpoint keeps of the files."""
    return {name: record._asdict() for name, record in files.items()}


def written_from(document: dict[str, Any]) -> dict[str, Written]:
    """Read what `written_document` gave, or lengths alone, as earlier checkpoints have them.

    Raises:
        TypeError: it is neither.
        KeyError: a field is missing.
    """
    files: dict[str, Written] = {}
    for name, record in document.items():
        size, sha256 = (record["size"], record["sha256"]) if isinstance(record, dict) else (record, "")
        if name not in (METRICS, SAMPLES) or type(size) is not int or size < 0 or not isinstance(sha256, str):
            raise TypeError("the lengths and digests of its files are none")
        files[name] = Written(size, sha256)
    return files


def _append_only(path: Path, flags: int) -> IO[bytes]:
    flags |= os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags, 0o666), "ab")
    file.seek(0, os.SEEK_END)
    return file


def _digest(path: Path, size: int) -> Any:
    """The SHA-256 of the file's first `size` bytes, or of all where there are fewer, to go on with."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (piece := file.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest


def _cut(path: Path, size: int) -> None:
    """Keep the first `size` bytes, in a new file that takes the old one's place: other names of it lose nothing."""
    left = size
    with path.open("rb") as old, replacing(path) as new:
        while left and (piece := old.read(min(_PIECE, left))):
            new.write(piece)
            left -= len(piece)
