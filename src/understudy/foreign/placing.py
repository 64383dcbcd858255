"""Where an imported model goes: a folder of its own, in which nothing else lies."""

from contextlib import suppress
from pathlib import Path

from understudy.checks import named
from understudy.errors import ConfigError, StorageError
from understudy.layout import MODEL
from understudy.model.file import ModelFile


def check_new(folder: Path) -> None:
    """Make sure that a folder is not there, or empty; nothing is changed.

    Raises:
        ConfigError: something is in it or in its way.
    """
    try:
        occupied = next(iter(folder.iterdir()), None)
    except FileNotFoundError:
        if not folder.is_symlink():
            return
        raise ConfigError(f"--out {named(folder)}: a link to where nothing is; name a new folder") from None
    except NotADirectoryError as error:
        raise ConfigError(f"--out {named(folder)}: a file is in the way; name a new folder") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"--out {named(folder)}: cannot be looked into: {reason}; name a new folder") from error
    if occupied is not None:
        raise ConfigError(f"--out {named(folder)}: holds {named(occupied.name)} already; name a new folder")


def put(model: ModelFile, folder: Path) -> Path:
    """Write a model into a new folder, whole or not at all; its file.

    Raises:
        ConfigError: something is in the folder or in its way.
        StorageError: the disk refused.
    """
    check_new(folder)
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    path = folder / MODEL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.write(path)
    except (OSError, StorageError) as error:
        for place in made:
            with suppress(OSError):  # never made, or something else has come to lie there
                place.rmdir()
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"cannot make {named(folder)}: {error.strerror or error}; choose another --out") from error
    return path
