"""What in a run folder a run made, and may cut, replace or remove; nothing else there is ever touched."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from understudy.errors import ConfigError, ModelFileError
from understudy.layout import (
    BEGUN,
    BOARD,
    CHECKPOINTS,
    HELD_BACK,
    LOCK,
    METRICS,
    MODEL,
    REPORT,
    SAMPLES,
    checkpoint_name,
    is_checkpoint_name,
    is_plain_file,
)
from understudy.model.container import kind_of
from understudy.runs import checkpoint
from understudy.runs.growing import Written, is_ours, looks_ours, not_made_here
from understudy.runs.marked import LARGEST, Mark, mark_of

GROWING = (METRICS, SAMPLES)


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints of the run in a folder, the one that begins another run first, then the oldest first."""
    try:
        return sorted(path for path in (folder / CHECKPOINTS).iterdir() if is_checkpoint_name(path.name))
    except OSError:
        return []


def holds_run(folder: Path) -> bool:
    """Whether an earlier run left something in a folder."""
    return there(folder / MODEL) or bool(checkpoints_in(folder))


def own(folder: Path) -> list[Path]:
    """The files of a run in that folder, whether they are there or not."""
    return [*(folder / name for name in (*GROWING, MODEL, REPORT)), *checkpoints_in(folder)]


def foreign(folder: Path) -> list[Path]:
    """What has the name of one of a run's files in that folder, and was made by no run."""
    records, run = _records(folder), holds_run(folder)
    grown = [path for path in (folder / name for name in GROWING) if there(path)]
    found = [path for path in grown if not (run and _grown(path, records))]
    if there(folder / MODEL) and kind_of(folder / MODEL) != "model":
        found.append(folder / MODEL)
    if foreign_report(folder) or (there(folder / REPORT) and not run):
        found.append(folder / REPORT)
    if foreign_lock(folder):
        found.append(folder / LOCK)
    found += [path for path in (folder / CHECKPOINTS, folder / BOARD) if there(path) and not _is_folder(path)]
    return found + [path for path in checkpoints_in(folder) if kind_of(path) != "training state"]


def foreign_lock(folder: Path) -> bool:
    """Whether what has the name of the lock is none: a lock is an empty file."""
    path = folder / LOCK
    return there(path) and not (is_plain_file(path) and path.stat().st_size == 0)


def foreign_report(folder: Path) -> bool:
    """Whether what has the name of the report is none, or is not as a run wrote it."""
    return there(folder / REPORT) and report_in(folder) is None


def report_in(folder: Path) -> Mark | None:
    """What the report in a folder tells of the run; None where there is none, or it is not as a run wrote it."""
    path = folder / REPORT
    if not is_plain_file(path):
        return None
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        return None
    return mark_of(data) if len(data) <= LARGEST else None


def check_free(folder: Path, part: str | None, *, overwrite: bool, texts: Sequence[Path]) -> None:
    """Make sure that a new run may have a folder, and a part of it; nothing is changed.

    The first run of two in that folder is a run like another: it goes only where that is asked for.

    Raises:
        ConfigError: it holds a run, and that is not to be replaced; or something that no run made has the name of a
            run's file; or a text that is to be learned from is a run's file.
    """
    places = [folder, folder / part] if part else [folder]
    for place in places:
        check_usable(place)
        if place != folder and there(place) and not _is_folder(place):
            raise not_made_here(place)
        for path in foreign(place):
            raise not_made_here(path)
    if _goes(folder) and not overwrite:
        raise ConfigError(
            f"{folder}: holds a run already; continue it with --resume, replace it with --overwrite, or choose another "
            f"--out"
        )
    owned = [*own(folder), *own(folder / HELD_BACK)]
    for text in texts:
        if any(_same(text, path) for path in owned):
            raise ConfigError(
                f"{text}: the run in {folder} would overwrite this text; choose another --out, or move the text"
            )


def _goes(folder: Path) -> bool:
    """Whether there is a run that goes when another one begins in a folder; what a link points to stays."""
    first = folder / HELD_BACK
    return holds_run(folder) or (_is_folder(first) and holds_run(first))


def check_usable(folder: Path) -> None:
    """Make sure that a folder can be looked into, where it is there, or made.

    Raises:
        ConfigError: it is no folder, may not be entered, or cannot have that name.
    """
    try:
        folder.stat()
        next(iter(folder.iterdir()), None)
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise ConfigError(f"--out {folder}: a file is in the way; name a folder for the run") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"--out {folder}: cannot be a run folder: {reason}; name another") from error


def replace_run(folder: Path, part: str | None, *, second: bool) -> None:
    """Let what an earlier run left go, now that the first checkpoint of the one in its place is whole.

    That checkpoint's name is `BEGUN` until all else is gone: a process that dies before leaves the old run as it was,
    and one that dies in between leaves what the next call of this finishes. The second of two runs keeps the first.
    """
    mine, other = (folder / part, folder) if part else (folder, folder / HELD_BACK)
    for place in (mine,) if second or not _is_folder(other) else (mine, other):
        kept = {mine / CHECKPOINTS / BEGUN, *foreign(place)}
        for path in own(place):
            if path not in kept:
                path.unlink(missing_ok=True)
    (mine / CHECKPOINTS / BEGUN).replace(mine / CHECKPOINTS / checkpoint_name(0))


def there(path: Path) -> bool:
    """Whether anything has that name, a broken link too."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False


def _records(folder: Path) -> dict[str, list[Written]]:
    """What the intact checkpoints of a folder tell of the growing files."""
    records: dict[str, list[Written]] = {name: [] for name in GROWING}
    for path in checkpoints_in(folder):
        with suppress(ModelFileError):
            for name, record in checkpoint.load(path).written.items():
                records[name].append(record)
    return records


def _grown(path: Path, records: dict[str, list[Written]]) -> bool:
    """Whether a growing file is one that a checkpoint tells of, or, where there is none, looks like one."""
    known = records[path.name]
    return any(is_ours(path, record) for record in known) if known else looks_ours(path)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
