"""Where an imported model goes: a folder of its own, in which nothing else lies."""

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
        raise ConfigError(f"-o {named(folder)}: a link to where nothing is; name a new folder") from None
    except NotADirectoryError as error:
        raise ConfigError(f"-o {named(folder)}: a file is in the way; name a new folder") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"-o {named(folder)}: cannot be looked into: {reason}; name a new folder") from error
    if occupied is not None:
        raise ConfigError(f"-o {named(folder)}: holds {named(occupied.name)} already; name a new folder")


def put(model: ModelFile, folder: Path) -> Path:
    """Write a model into a new folder, whole or not at all; its file.

    Raises:
        ConfigError: something is in the folder or in its way.
        StorageError: the disk refused.
    """
    check_new(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {named(folder)}: {error.strerror or error}; name another with -o") from error
    path = folder / MODEL
    model.write(path)
    return path
