"""A model goes out: what was asked for is held against the format and the disk, and the files are written."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy import checks
from understudy.errors import ConfigError
from understudy.exports.contract import Export
from understudy.exports.formats import FORMATS
from understudy.layout import MODEL
from understudy.model.file import ModelFile
from understudy.outputs import check_free, place_for
from understudy.storage import replacing


@dataclass(frozen=True)
class Exported:
    """What an export came to.

    Attributes:
        files: where they lie, the one that was asked for first, and how many bytes each has.
        sizes: what else takes room, in bytes: `weights`, those in the files, and `state`, that of a stream.
        promise: what text the same seed gives there.
    """

    files: Mapping[Path, int]
    sizes: Mapping[str, int]
    promise: str


def default_path(model: str | Path, to: str) -> Path:
    """The file in the working folder that is named after the model: its run folder, its file, or its name in the box.

    Raises:
        ConfigError: there is no such format.
    """
    suffix = FORMATS[checks.one_of("--to", to, tuple(FORMATS))].suffix
    path = Path(str(model).removeprefix("@") if str(model).startswith("@") else os.path.abspath(model))  # noqa: PTH100
    if path.name == MODEL:
        path = path.parent
    return Path((path.name.removesuffix(".safetensors") or "model") + suffix)


def export(
    model: ModelFile, to: str, path: "str | os.PathLike[str]", *, overwrite: bool = False, **options: Any
) -> Exported:
    """Write a model in another format, as `understudy export` does (docs/export.md).

    Everything is checked and made before anything is written, and no file takes its name before all are written aside:
    where the disk refuses, what was there before is untouched.

    Args:
        model: the model.
        to: one of `FORMATS`.
        path: the file; others that belong to it lie beside it, by names that begin like its own.
        overwrite: replace files of these names; a model or a checkpoint is never replaced.
        options: the format's own.

    Raises:
        ConfigError: something given is not what was expected, the format has no such option, or a file is there.
        MissingExtraError: the format needs a package that is not installed.
        StorageError: the disk refused.
    """
    kind = FORMATS[checks.one_of("--to", to, tuple(FORMATS))]
    asked = {name: value for name, value in options.items() if value is not None and value is not False}
    for name in asked:
        _check_option(to, name)
    overwrite = checks.truth("--overwrite", overwrite)
    place = place_for("--out", path, f"model{kind.suffix}", overwrite=overwrite)
    made: Export = kind.make(model, place.name, **asked)
    files = {place.with_name(name): data for name, data in made.files.items()}
    for beside in files:
        check_free("--out", beside, overwrite=overwrite)
    with ExitStack() as opened:
        for beside, data in files.items():
            file = opened.enter_context(replacing(beside))
            file.write(data)
            file.flush()
    return Exported({beside: len(data) for beside, data in files.items()}, made.sizes, made.promise)


def _check_option(to: str, name: str) -> None:
    takers = [word for word, other in FORMATS.items() if name in other.options]
    if to not in takers:
        way = f"it is for --to {' and '.join(takers)}" if takers else f"--to {to} takes {_flags(FORMATS[to].options)}"
        raise ConfigError(f"{_flags((name,))}: no option of --to {to}; {way}")


def _flags(names: tuple[str, ...]) -> str:
    return ", ".join(f"--{checks.named(name).replace('_', '-')}" for name in names) or "none"
