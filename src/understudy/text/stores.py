"""Texts in s3://, gs://, hf:// and whatever else fsspec opens; credentials are those that it finds itself."""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from understudy.checks import named
from understudy.errors import DownloadError, MissingExtraError, TextError
from understudy.text.fetching import ChangedError, CutError, Look

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "hf": "hf"}
_WITH_BUCKETS = ("s3", "s3a", "gs", "gcs")
_OF_THIS_MACHINE = ("file", "local")
_PIECE = 1 << 23
_STAMPS = (
    "ETag",
    "etag",
    "md5Hash",
    "generation",
    "blob_id",
    "sha",
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
)
"""Where file systems tell what changes when a file does, the surest first."""


class Stored:
    """A text that a file system of fsspec's gives."""

    insists = True

    def __init__(self, address: str, files: Any, path: str) -> None:
        self.address = address
        self._files = files
        self._path = path

    def look(self) -> Look:
        """What the file system tells of it."""
        with translated(self.address):
            self._files.invalidate_cache()
            found = self._files.info(self._path)
        if found.get("type") == "directory":
            raise TextError(
                f"{named(self.address)}: a folder; name the texts in it by a pattern, such as "
                f"{named(self.address.rstrip('/') + '/*.txt')}"
            )
        stamp = next((f"{name} {found[name]}" for name in _STAMPS if found.get(name)), None)
        size = found.get("size")
        return Look(stamp, size if isinstance(size, int) else None)

    def read(self, start: int, look: Look) -> tuple[int, Generator[bytes, None, None]]:
        """Its bytes, in requests of a few megabytes each."""
        return start, self._read(start, look)

    def _read(self, start: int, look: Look) -> Generator[bytes, None, None]:
        while look.size is None or start < look.size:
            end = start + _PIECE if look.size is None else min(start + _PIECE, look.size)
            with translated(self.address):
                piece = self._files.cat_file(self._path, start=start, end=end)
            if not piece:
                break
            start += len(piece)
            yield piece
        if look.stamp is not None and self.look() != look:
            raise ChangedError("changed")


def things(address: str) -> list[Stored]:
    """What lies at an address, which may be a pattern, in the order of the names.

    Raises:
        TextError: there is nothing, or fsspec does not know such addresses.
        MissingExtraError: what knows them is not installed.
        DownloadError: the other side does not answer.
    """
    scheme = address.split("://", 1)[0].lower()
    if scheme in _OF_THIS_MACHINE:
        path = address.split("://", 1)[1]
        raise TextError(f"{named(address)}: lies on this machine; name its path: {named(path)}")
    files, path = _opened(address, scheme)
    if not path.strip("/"):
        raise TextError(f"{named(address)}: names no text; give the whole address, such as s3://bucket/folder/a.txt")
    if not any(sign in path for sign in "*?["):
        return [Stored(address, files, path)]
    try:
        with translated(address):
            files.invalidate_cache()
            found = files.glob(path, detail=True)
    except CutError as error:
        raise DownloadError(f"{named(address)}: cannot be listed: {error}; give the command again") from error
    paths = sorted(name for name, told in found.items() if told.get("type") != "directory")
    if not paths:
        bucket = path.split("/", 1)[0]
        lost = scheme in _WITH_BUCKETS and not files.exists(bucket)
        why = f"there is no bucket {named(bucket)} that you may see" if lost else "no text fits this pattern"
        raise TextError(f"{named(address)}: {why}; see to the name and the pattern")
    return [Stored(files.unstrip_protocol(one), files, one) for one in paths]


def _opened(address: str, scheme: str) -> tuple[Any, str]:
    """The file system, and the path in it."""
    if scheme == "hf":
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # before it is imported, when it is looked at
    from fsspec.core import url_to_fs
    from fsspec.registry import known_implementations

    try:
        with translated(address):
            files, path = url_to_fs(address, skip_instance_cache=True)
    except ImportError as error:
        extra = f"'understudy[{_EXTRAS[scheme]}]'" if scheme in _EXTRAS else ""
        told = known_implementations.get(scheme, {}).get("err", f"install what opens {scheme}://")
        way = f"pip install {extra}" if extra else named(told)
        raise MissingExtraError(f"{named(address)}: what opens {scheme}:// is not installed; {way}") from error
    except CutError as error:
        raise DownloadError(f"{named(address)}: cannot be opened: {error}; give the command again") from error
    return files, path


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Tell in our words what a file system complains of.

    Raises:
        TextError: there is nothing, or it may not be read.
        CutError: what may be otherwise when it is asked again.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise TextError(f"{named(address)}: there is no such text: {_said(error)}; see to the name") from error
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise TextError(f"{named(address)}: {_not_allowed(error)}") from error
    except (TextError, ImportError):
        raise
    except ValueError as error:
        if "rotocol" in str(error):
            raise TextError(
                f"{named(address)}: no such kind of address; there are s3://, gs://, hf://, https:// and what else "
                f"fsspec opens"
            ) from error
        raise TextError(f"{named(address)}: no address of a text: {_said(error)}") from error
    except Exception as error:  # each file system has its own
        if "Credential" in type(error).__name__:
            raise TextError(f"{named(address)}: {_not_allowed(error)}") from error
        if "Validation" in type(error).__name__:
            raise TextError(f"{named(address)}: no address of a text: {_said(error)}") from error
        raise CutError(_said(error)) from error


def _not_allowed(error: Exception) -> str:
    return (
        f"it may not be read: {_said(error)}; credentials are taken from the environment, as docs/guide/elsewhere.md "
        f"tells"
    )


def _said(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return named(" ".join(str(said).split())[:200])
