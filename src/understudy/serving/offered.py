"""Which models are served: those that are named, and the runs of some folders, those of the last minute too."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from understudy import checks
from understudy.checks import named, path
from understudy.errors import ConfigError, UnderstudyError
from understudy.layout import MODEL, is_plain_file, is_run_folder
from understudy.model import file
from understudy.model.config import ModelConfig
from understudy.model.container import told
from understudy.serving.limits import Limits
from understudy.serving.refusals import Refused
from understudy.serving.served import Served

BOXED = "@shakespeare"
"""Served beside the runs where nothing is named."""
_Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class _Loaded:
    """A run's model, and what its file was when it was read."""

    model: Served
    stamp: _Stamp


class Told(NamedTuple):
    """What is told of a model: its name, the kind of its vocabulary, its shape."""

    name: str
    kind: str
    config: ModelConfig


class Offered:
    """The models that requests may name."""

    def __init__(self, fixed: dict[str, Served], folders: Sequence[Path], limits: Limits) -> None:
        """Take the models that are there from the beginning, and the folders whose runs are served too."""
        self._fixed, self._folders, self._limits = fixed, folders, limits
        self._runs: OrderedDict[Path, _Loaded] = OrderedDict()
        self._loading = asyncio.Lock()

    def names(self) -> list[str]:
        """What they are called now."""
        return [*self._fixed, *self._places()]

    def all(self) -> list[Told]:
        """All of them: those from the beginning, then the runs by their names; what cannot be read is left out."""
        found = [Told(model.name, model.vocabulary.kind, model.config) for model in self._fixed.values()]
        for name, place in self._places().items():
            document = told(place / MODEL) or {}
            with suppress(UnderstudyError, KeyError, TypeError):
                config = ModelConfig.from_document(document["config"])
                found.append(Told(name, str(document["vocabulary"]["kind"]), config))
        return found

    async def find(self, name: str) -> Served:
        """The model of that name, as it is now.

        Raises:
            Refused: there is none, or it cannot be read.
        """
        if name in self._fixed:
            return self._fixed[name]
        places = await asyncio.to_thread(self._places)
        if name not in places:
            there = ", ".join(map(checks.shown, [*self._fixed, *places]))
            raise Refused(404, f"model {checks.shown(name)}: there is {there}", param="model", code="model_not_found")
        try:
            return await self._run(name, places[name])
        except (UnderstudyError, OSError) as error:
            raise Refused(409, f"model {checks.shown(name)}: cannot be read now: {error}", param="model") from error

    def _places(self) -> dict[str, Path]:
        """The runs that have a model by now, but for those whose names are taken."""
        found: dict[str, Path] = {}
        for folder in self._folders:
            for place in runs_in(folder):
                if place.name not in self._fixed:
                    found.setdefault(place.name, place)
        return dict(sorted(found.items()))

    async def _run(self, name: str, place: Path) -> Served:
        """A run's model, read again where its file has changed."""
        async with self._loading:
            stamp = await asyncio.to_thread(_stamp, place)
            known = self._runs.get(place)
            if known is None or known.stamp != stamp:
                model = await asyncio.to_thread(self._read, name, place)
                known = self._runs[place] = _Loaded(model, stamp)
            self._runs.move_to_end(place)
            while len(self._runs) > self._limits.models:
                self._runs.popitem(last=False)
            return known.model

    def _read(self, name: str, place: Path) -> Served:
        return Served(name, place, file.read(place), self._limits)


def offered(given: Sequence[str], runs: Path, limits: Limits) -> Offered:
    """The models to serve.

    Args:
        given: run folders, model files, names of models that come with the package, or folders with runs in them.
        runs: a folder whose runs are served in any case.
        limits: bounds of what they keep.

    Raises:
        ConfigError: there are too many.
        ModelFileError: something is no intact model.
    """
    fixed: dict[str, Served] = {}
    folders, most = [runs], limits.models
    for name in [path("MODEL", name) for name in given] or [BOXED]:
        place = Path(name)
        if _is_folder_of_runs(name):
            folders.append(place)
            if not runs_in(place):
                raise ConfigError(
                    f"{named(name)}: no run with a model in this folder; give a run folder or a model file"
                )
            continue
        if len(fixed) == most:
            raise ConfigError(f"MODEL {named(name)}: at most {most} models are served that are named one by one")
        known = _free(_name_of(name), fixed)
        fixed[known] = Served(known, place, file.read(name), limits)
    return Offered(fixed, folders, limits)


def runs_in(folder: Path) -> list[Path]:
    """The runs in a folder that have a model by now, by their names."""
    try:
        return sorted(place for place in folder.iterdir() if place.is_dir() and is_plain_file(place / MODEL))
    except OSError:
        return []


def _is_folder_of_runs(name: str) -> bool:
    place = Path(name)
    return not (name.startswith("@") or is_plain_file(place / MODEL) or is_run_folder(place)) and place.is_dir()


def _stamp(place: Path) -> _Stamp:
    status = (place / MODEL).stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


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
