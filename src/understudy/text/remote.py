"""Texts that lie elsewhere: fetched once into the cache, and found there again.

In the cache's folder a copy is named after its SHA-256, and what was named, an address or a pattern, has a small record
there of which copies it gave.
"""

import errno
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from understudy.checks import named
from understudy.errors import StorageError, TextError
from understudy.storage import sha256_of
from understudy.text import cache, fetching
from understudy.text.fetching import Look, Thing

_LONGEST_RECORD = 1 << 26


class Copy(NamedTuple):
    """A text on this machine, and where it came from."""

    address: str
    path: Path
    size: int


class _Entry(NamedTuple):
    """What a record tells of one text."""

    address: str
    stamp: str | None
    size: int
    sha256: str


def fetched(name: str) -> list[Copy]:
    """Fetch what lies at an address, or at all that fit a pattern, in name order; what is here already is looked at.

    Raises:
        TextError: there is nothing, or it may not be read.
        MissingExtraError: what fetches it is not installed.
        DownloadError: it could not be fetched.
        StorageError: there is no room.
    """
    things = _things(name)
    try:
        folder = _folder()
        entries = [_entry(thing, folder) for thing in things]
        for entry in entries:
            _write(folder, entry.address, [entry])
        _write(folder, name, entries)
    except OSError as error:
        raise StorageError(
            f"cannot keep {named(name)} in {named(str(cache.cache_folder()))}: {error.strerror or error}; set "
            f"UNDERSTUDY_CACHE to a folder that can be written"
        ) from error
    return [Copy(entry.address, _copy(folder, entry), entry.size) for entry in entries]


def kept(name: str) -> list[Copy]:
    """What was fetched of an address or a pattern, without a look at the network.

    Raises:
        TextError: it is not all here.
    """
    with suppress(OSError):
        folder = _folder()
        entries = _read(folder, name)
        if entries and all(_intact(folder, entry) for entry in entries):
            return [Copy(entry.address, _copy(folder, entry), entry.size) for entry in entries]
    raise TextError(
        f"{named(name)}: lies elsewhere, and its copy is no longer in the cache; name it yourself, and it is fetched"
    )


def _things(name: str) -> Sequence[Thing]:
    try:
        secret = urlsplit(name).password is not None
    except ValueError as error:
        raise TextError(f"{named(name)}: no address of a text: {error}") from error
    if secret:
        raise TextError(
            "an address with a password in it, which the run would keep; give it to the program another way, as "
            "docs/guide/elsewhere.md tells"
        )
    if name.lower().startswith(("https://", "http://")):
        from understudy.text.web import Page

        return [Page(name)]
    from understudy.text.stores import things

    return things(name)


def _entry(thing: Thing, folder: Path) -> _Entry:
    look = fetching.looked(thing)
    for entry in _read(folder, thing.address):
        if look.stamp is not None and Look(entry.stamp, entry.size) == look and _intact(folder, entry):
            return entry
    path, sha256 = fetching.fetch(thing, look, folder)
    return _Entry(thing.address, look.stamp, path.stat().st_size, sha256)


def _folder() -> Path:
    """The folder of the copies; where there can be none, one that goes when the program ends."""
    if cache.cache_folder() is None:
        return Path(_temporary().name)
    folder = cache.private_folder(cache.TEXTS)
    cache.forget_old(cache.TEXTS)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return folder


@functools.cache
def _temporary() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="understudy-")


def _copy(folder: Path, entry: _Entry) -> Path:
    return folder / f"{entry.sha256}.text"


def _record(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"


def _intact(folder: Path, entry: _Entry) -> bool:
    """Whether a copy is there and what it was; then it is in use, and does not age."""
    path = _copy(folder, entry)
    try:
        if path.stat().st_size != entry.size or sha256_of(path) != entry.sha256:
            return False
    except OSError:
        return False
    for used in (path, _record(folder, entry.address)):
        with suppress(OSError):
            os.utime(used)
    return True


def _read(folder: Path, name: str) -> list[_Entry]:
    """What the record of a name tells; nothing where there is none, or it is not as it was written."""
    path = _record(folder, name)
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LONGEST_RECORD))
        entries = [_Entry(*entry) for entry in told["texts"]] if told["name"] == name else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    fits = all(
        isinstance(entry.address, str)
        and isinstance(entry.stamp, str | None)
        and type(entry.size) is int
        and isinstance(entry.sha256, str)
        and len(entry.sha256) == 64
        and entry.sha256.isalnum()
        for entry in entries
    )
    if not fits:
        return []
    with suppress(OSError):
        os.utime(path)
    return entries


def _write(folder: Path, name: str, entries: Sequence[_Entry]) -> None:
    document = {"name": name, "texts": [list(entry) for entry in entries]}
    with cache.adding(folder, _record(folder, name).name) as file:
        file.write(json.dumps(document).encode())
