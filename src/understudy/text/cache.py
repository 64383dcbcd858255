"""The user's cache folder: which files in it are Understudy's own, and how they come and go.

Everything lies in a few folders below it, which are readable by their owner alone. Each carries a `CACHEDIR.TAG` that
says who made it; where that is missing, or beside names that are not Understudy's, nothing is ever removed.
"""

import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

import platformdirs

from understudy.errors import StorageError

ENCODED, CORPORA, TEXTS = "encoded", "corpora", "texts"
MARKER = "CACHEDIR.TAG"
_MARK = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# Understudy made this folder, and makes its files again when they are gone.\n"
    b"# `understudy cache` shows them, `understudy cache --clear` removes them.\n"
)
_DAY = 86_400
_FORGET_AFTER_DAYS, _FORGET_PARTIALS_AFTER_DAYS = 30, 1


class _Part(NamedTuple):
    """One folder of the cache: how its files are named, and those that are still being written.

    Attributes:
        whole: the names of finished files.
        partial: the names of unfinished ones.
        ages: whether files that nobody used for a while go by themselves.
        telling: whether the names alone tell that Understudy wrote the files.
    """

    whole: re.Pattern[str]
    partial: re.Pattern[str]
    ages: bool
    telling: bool


_IDS = r"[0-9a-f]{32}-[0-9a-f]{16}\.u(?:8|16|32)"
_COPY, _RECORD = r"[0-9a-f]{64}\.text", r"[0-9a-f]{32}\.json"
_MARKER_PARTIAL = r"\.CACHEDIR\.TAG\.\w+\.partial"
_PARTS = {
    ENCODED: _Part(re.compile(_IDS), re.compile(rf"{_MARKER_PARTIAL}|\.{_IDS}\.[\w-]+\.partial"), True, True),
    TEXTS: _Part(
        re.compile(rf"{_COPY}|{_RECORD}"),
        re.compile(rf"{_MARKER_PARTIAL}|\.[0-9a-f]{{32}}\.(?:partial|lock)|\.{_RECORD}\.[\w-]+\.partial"),
        True,
        True,
    ),
    CORPORA: _Part(re.compile(r"shakespeare\.txt"), re.compile(rf"{_MARKER_PARTIAL}|tmp[a-z0-9_]{{8}}"), False, False),
}


class Kept(NamedTuple):
    """A file that Understudy keeps.

    Attributes:
        path: where it lies.
        size: its bytes.
        used: when it was last used, in seconds since 1970.
    """

    path: Path
    size: int
    used: float


def cache_folder() -> Path | None:
    """The user's cache folder for Understudy, or None where there can be none; UNDERSTUDY_CACHE names another.

    A home folder that does not exist is not made for it, nor is anything put into the root of the file system.
    """
    named = os.environ.get("UNDERSTUDY_CACHE")
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home raises where the user has none
    try:
        folder = Path(os.path.expanduser(named)) if named else platformdirs.user_cache_path("understudy")  # noqa: PTH111
    except RuntimeError:  # a user id without an account, in an environment without a home
        return None
    if str(folder).startswith("~") or not (named or folder.is_absolute()):
        return None
    if not named and not os.environ.get("XDG_CACHE_HOME") and home == Path(home.anchor):
        return None
    if not os.path.isdir(home) and folder.is_relative_to(home):  # noqa: PTH112 - Path.is_dir may raise
        return None
    return folder


def private_folder(part: str) -> Path:
    """One of the cache's folders, made and marked where it is not there yet.

    Raises:
        OSError: it cannot be made, or it is there and holds what Understudy did not write.
    """
    root = cache_folder()
    if root is None:
        raise FileNotFoundError(errno.ENOENT, "the user has no home folder")
    folder = root / part
    if _is_ours(folder):
        return folder
    for path in (root, folder):
        _make(path)
    if not all(_adoptable(part, name) for name in os.listdir(folder)):  # noqa: PTH208 - names are what is asked for
        raise FileExistsError(errno.EEXIST, "files that Understudy did not write are there already")
    with suppress(OSError):  # not every file system knows owners
        folder.chmod(0o700)
    with adding(folder, MARKER) as file:
        file.write(_MARK)
    return folder


@contextmanager
def adding(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file of a name that nobody else has, which becomes `name` when the block ends without an exception.

    It is not synced: whoever takes the file afterwards checks what is in it.

    Raises:
        OSError: the disk refused; nothing is left behind.
    """
    descriptor, aside = tempfile.mkstemp(".partial", f".{name}.", folder)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            with suppress(OSError):
                os.chmod(aside, 0o600)  # noqa: PTH101 - whatever the umask left of it
            yield file
        os.replace(aside, folder / name)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)  # noqa: PTH108
        raise


def forget_old(part: str) -> None:
    """Remove what nobody used for 30 days, and what killed processes left unfinished a day ago."""
    whole = _PARTS[part].whole
    now = time.time()
    for kept in _kept(part):
        finished = whole.fullmatch(kept.path.name) is not None
        days = _FORGET_AFTER_DAYS if finished else _FORGET_PARTIALS_AFTER_DAYS
        if kept.used < now - days * _DAY and (_PARTS[part].ages or not finished):
            with suppress(OSError):  # another process was faster, or reads it where that forbids it
                kept.path.unlink()


def kept() -> list[Kept]:
    """Every file that Understudy keeps in the cache, in name order; unfinished ones are among them."""
    return [file for part in _PARTS for file in _kept(part)]


def clear() -> list[Kept]:
    """Remove every file that Understudy keeps in the cache, and its folders where that empties them; what was removed.

    Raises:
        StorageError: a file could not be removed; the others are gone all the same.
    """
    removed, refused = [], None
    for file in kept():
        try:
            file.path.unlink(missing_ok=True)
            removed.append(file)
        except OSError as error:
            refused = refused or error
    for part in _PARTS:
        _unmake(part)
    if refused is not None:
        raise StorageError(
            f"cannot remove {refused.filename}: {refused.strerror}; {len(removed)} other files are gone; remove the "
            f"rest as whoever owns it"
        ) from refused
    return removed


def _kept(part: str) -> Iterator[Kept]:
    root = cache_folder()
    if root is None or not _is_ours(root / part):
        return
    with suppress(OSError):
        for path in sorted((root / part).iterdir()):
            if _is_own_name(part, path.name):
                with suppress(OSError):  # gone since
                    status = path.lstat()
                    yield Kept(path, status.st_size, status.st_mtime)


def _unmake(part: str) -> None:
    root = cache_folder()
    if root is None or not _is_ours(root / part):
        return
    with suppress(OSError):  # another process just puts something into it, which is ours again then
        if os.listdir(root / part) == [MARKER]:  # noqa: PTH208
            (root / part / MARKER).unlink()
            (root / part).rmdir()


def _is_own_name(part: str, name: str) -> bool:
    return any(pattern.fullmatch(name) is not None for pattern in (_PARTS[part].whole, _PARTS[part].partial))


def _adoptable(part: str, name: str) -> bool:
    """Whether a name in a folder without a marker is Understudy's for sure: another process just makes the folder."""
    return _is_own_name(part, name) if _PARTS[part].telling else _PARTS[part].partial.fullmatch(name) is not None


def _is_ours(folder: Path) -> bool:
    try:
        with (folder / MARKER).open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        return
    with suppress(OSError):
        folder.chmod(0o700)
