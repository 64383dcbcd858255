"""The texts in a folder, without what the runs in it wrote."""

import fnmatch
import os
from collections.abc import Sequence, Set
from contextlib import suppress
from pathlib import Path, PurePath
from typing import NamedTuple

from understudy import layout
from understudy.checks import named, shown
from understudy.errors import TextError

DEFAULT_GLOBS = ("*.txt", "*.txt.gz")
_OF_A_RUN = {
    layout.MODEL,
    layout.METRICS,
    layout.SAMPLES,
    layout.REPORT,
    layout.LOCK,
    layout.BOARD,
    layout.CHECKPOINTS,
    layout.HELD_BACK,
}


class InFolder(NamedTuple):
    """What a folder gives.

    Attributes:
        paths: its texts, in name order.
        left_out: the run folders in it, and what a run wrote into the folder itself.
    """

    paths: list[Path]
    left_out: list[str]


def texts_lost(folder: Path, globs: Sequence[str], runs: Set[str]) -> Path | None:
    """A text that `texts_in` finds in a folder now, and will leave out when there are runs in the folders `runs`."""
    try:
        left = set(texts_in(folder, globs, runs=runs).paths)
    except TextError:
        left = set()
    return next((path for path in texts_in(folder, globs).paths if path not in left), None)


def texts_in(folder: Path, globs: Sequence[str], most: int | None = None, runs: Set[str] = frozenset()) -> InFolder:
    """The files in a folder and the folders in it whose names fit one of the patterns.

    Names that begin with a dot are passed over, links to folders are not followed, and what runs wrote is left out.

    Args:
        folder: where to look.
        globs: patterns; `*` and `?` stand for part of a name, `**` for any number of folders.
        most: give up after so many files and folders.
        runs: folders, as `os.path.realpath` has them, that are taken for those of runs whatever is in them.

    Raises:
        TextError: a pattern is none, a folder may not be read, or nothing fits.
    """
    wanted = " or ".join(map(shown, globs))
    patterns = [_parts(pattern, wanted) for pattern in globs]
    found: list[str] = []
    left_out: list[str] = []
    seen = 0
    of_a_run = _OF_A_RUN if _is_run(folder, runs) else set()
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        above = waiting.pop()
        for entry in _entries(folder.joinpath(*above)):
            seen += 1
            if most is not None and seen > most:
                raise TextError(f"{named(folder)}: more than {most:,} files and folders; name the text itself")
            if entry.name.startswith("."):
                continue
            parts = (*above, entry.name)
            written = not above and entry.name in of_a_run
            if entry.is_dir(follow_symlinks=False):
                if _is_run(Path(entry.path), runs):
                    left_out.append(str(Path(entry.path)))
                elif not written:
                    waiting.append(parts)
            elif any(_fits(parts, pattern) for pattern in patterns) and _is_file(entry):
                (left_out if written else found).append(str(Path(entry.path)))
    left_out.sort()
    if not found:
        note = left_out_note(left_out)
        raise TextError(
            f"{named(folder)}: no text in this folder: expected files named {wanted}; name others with --glob, for "
            f"example --glob '*.md'{f' ({note})' if note else ''}"
        )
    return InFolder(sorted(map(Path, found), key=lambda path: path.relative_to(folder).as_posix()), left_out)


def left_out_note(left_out: Sequence[str]) -> str | None:
    """One line on what was left out of the folders that were named; None where nothing was."""
    if not left_out:
        return None
    names = ", ".join(map(named, left_out[:3])) + (f" and {len(left_out) - 3:,} more" if len(left_out) > 3 else "")
    return f"left out, because runs wrote it: {names}"


def _is_run(folder: Path, runs: Set[str]) -> bool:
    return layout.is_run_folder(folder) or (bool(runs) and os.path.realpath(folder) in runs)


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise TextError(
            f"{named(folder)}: this folder cannot be read: {error.strerror}; allow it, or name the texts themselves"
        ) from error


def _is_file(entry: "os.DirEntry[str]") -> bool:
    with suppress(OSError):  # a link to itself
        return entry.is_file()
    return False


def _parts(pattern: str, wanted: str) -> tuple[str, ...]:
    """The parts of a pattern, which may begin in any folder."""
    parts = PurePath(pattern).parts
    if not parts or PurePath(pattern).anchor or ".." in parts or "\0" in pattern:
        raise TextError(f"--glob {wanted}: {shown(pattern)} is not a pattern of file names, such as '*.md'")
    once = ["**"]
    for part in parts:
        if part != "**" or once[-1] != "**":
            once.append(part)
    return tuple(once)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])
