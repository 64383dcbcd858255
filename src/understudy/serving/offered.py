"""Which models are served: those that are named, and those of the runs in folders that are named."""

from collections.abc import Sequence
from pathlib import Path

from understudy.checks import named, path
from understudy.errors import ConfigError
from understudy.layout import MODEL, is_plain_file, is_run_folder
from understudy.model import file
from understudy.serving.limits import Limits
from understudy.serving.served import Served

BOXED = "@shakespeare"
"""Served where nothing else is to be had."""
_MOST = 64


def offered(given: Sequence[str], runs: Path, limits: Limits) -> dict[str, Served]:
    """The models to serve, by the names that requests call them by.

    Args:
        given: run folders, model files, names of models that come with the package, or folders with runs in them.
        runs: the folder whose runs are served where nothing is given.
        limits: bounds of what they keep.

    Raises:
        ConfigError: a folder has no model in it, or there are too many.
        ModelFileError: something is no intact model.
    """
    if given:
        places = [place for name in given for place in _places(path("MODEL", name))]
    else:
        places = list(map(str, _runs_in(runs))) or [BOXED]
    if len(places) > _MOST:
        raise ConfigError(f"MODEL: {len(places)} models, expected at most {_MOST}; name those to be served")
    found: dict[str, Served] = {}
    for place in dict.fromkeys(places):
        name = _free(_name_of(place), found)
        found[name] = Served(name, Path(place), file.read(place), limits)
    return found


def _places(name: str) -> list[str]:
    """The models that a name stands for."""
    place = Path(name)
    if name.startswith("@") or not place.is_dir() or is_plain_file(place / MODEL) or is_run_folder(place):
        return [name]
    inside = [str(run) for run in _runs_in(place)]
    if not inside:
        raise ConfigError(f"{named(place)}: no run with a model in this folder; give a run folder or a model file")
    return inside


def _runs_in(folder: Path) -> list[Path]:
    """The runs in a folder that have a model by now, by their names."""
    try:
        return sorted(place for place in folder.iterdir() if place.is_dir() and is_plain_file(place / MODEL))
    except OSError:
        return []


def _name_of(place: str) -> str:
    if place.startswith("@"):
        return place
    found = Path(place)
    if found.suffix == ".safetensors":
        found = found.parent if found.name == MODEL else found.with_suffix("")
    return found.resolve().name or "model"


def _free(name: str, taken: dict[str, Served]) -> str:
    """The name, or with a number where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
