"""Files that a command is asked to write, held against what is there."""

import os
from pathlib import Path

from understudy import checks
from understudy.checks import named
from understudy.errors import ConfigError
from understudy.layout import LOCK, METRICS, REPORT, SAMPLES, is_plain_file, is_run_folder
from understudy.model.container import kind_of


def place_for(option: str, path: "str | os.PathLike[str]", example: str, *, overwrite: bool) -> Path:
    """The place of a file that is to be written.

    Args:
        option: what the user names it with.
        path: what was named.
        example: a name for such a file.
        overwrite: whether it may replace a file; a model or a checkpoint is never replaced.

    Raises:
        ConfigError: it is no file's name, or something is there that may not be replaced.
    """
    place = checks.place(option, path)
    if str(path) == "-":
        raise ConfigError(f"{option} -: it is a file and cannot go to standard output; a file of that name is ./-")
    if os.path.isdir(place) or place.name == "..":  # noqa: PTH112 - Path raises what only the writing is to say
        raise ConfigError(f"{option} {named(place)}: a folder; name a file in it, {named(place / example)} say")
    check_free(option, place, overwrite=overwrite)
    return place


def check_free(option: str, path: Path, *, overwrite: bool) -> None:
    """Hold a name against what is there.

    Raises:
        ConfigError: a file that may not be replaced.
    """
    if not os.path.lexists(path):
        return
    other = f"choose another {option}"
    if path.name in (METRICS, SAMPLES, REPORT, LOCK) and is_run_folder(path.parent):
        raise ConfigError(f"{named(path)}: belongs to the run in that folder, which nothing else replaces; {other}")
    if kind_of(path) is not None:
        raise ConfigError(f"{named(path)}: holds a model or a checkpoint, which this never replaces; {other}")
    if not (is_plain_file(path) or path.is_symlink()):
        raise ConfigError(f"{named(path)}: is there already, and is no plain file; {other}")
    if not overwrite:
        raise ConfigError(f"{named(path)}: is there already; replace it with --overwrite, or {other}")
