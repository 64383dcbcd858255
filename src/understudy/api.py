"""The library as a program sees it: train a model, load one, write with it, score texts with it."""

import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

from understudy import checks
from understudy.errors import ConfigError
from understudy.model import file
from understudy.samples import Sample, Stream
from understudy.text.vocabulary import KINDS
from understudy.trained import Device, Model, Precision, for_writing, writes_with

__all__ = ["Model", "Sample", "Stream", "load", "train"]

Name = str | PathLike[str]


def load(
    model: Name, *, precision: Precision | None = None, device: Device = "cpu", only_writes: bool = False
) -> Model:
    """The model of a run folder or a model file.

    Args:
        model: the folder or the file.
        precision: what it writes with: "int8" for speed (as a CPU does unless told), "float32" to the letter of the
            weights (as a GPU does).
        device: where it writes.
        only_writes: keep what it writes with and let its weights go, four times as large as that in eight bits: it
            can be neither evaluated nor exported then.

    Raises:
        ModelFileError: nothing is there, or it is not an intact model of ours.
        ConfigError: something given is not what was expected, or int8 is asked for on a GPU.
    """
    name = checks.path("MODEL", model)
    writes_with(precision, device)
    light = checks.truth("only_writes", only_writes)

    def made(found: file.ModelFile) -> Model:
        loaded = Model(found, precision=precision, device=device)
        return for_writing(loaded) if light else loaded

    return file.read_for(name, made)


def train(
    *texts: Name,
    out: Name | None = None,
    preset: str | None = None,
    vocabulary: Literal["characters", "bytes"] | None = None,
    validation_file: Name | None = None,
    encoding: str | None = None,
    newlines: Literal["keep", "lf"] | None = None,
    globs: str | Sequence[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    start_from: Name | None = None,
    use_all_text: bool = False,
    **settings: Any,
) -> Model:
    """Learn from texts, as `understudy train` does, and give the best model found.

    Args:
        texts: paths of files or folders, or `@name`; none on resuming takes the ones of the run.
        out: the run folder; one under `runs/` named after the text unless given.
        preset: the recipe to begin with; `auto` unless given.
        vocabulary: characters, unless it says bytes.
        validation_file: a text to choose the best model by, in place of the end of the text itself.
        encoding: how the files are encoded; UTF-8 unless given.
        newlines: "lf" makes every line end a newline.
        globs: a name, or several, of files to take from folders, in place of `*.txt`.
        resume: go on from the folder's last checkpoint.
        overwrite: start anew although the folder holds a run.
        start_from: a model whose weights the run begins from, or "none" for nothing; `@base` where it helps unless
            given.
        use_all_text: find out on a held-back part how long to train, then learn from everything.
        settings: fields of `understudy.training.recipe.Recipe`: minutes, units, learning_rate, ...

    Raises:
        UserError: something given does not fit.
        DivergedError: training met numbers that are not finite more often than it may go back.
        StorageError: the disk refused.
    """
    from understudy.training import recipe as recipes

    recipe = recipes.preset(recipes.DEFAULT_PRESET if preset is None else preset).with_settings(**settings)
    settings = {name: getattr(recipe, name) for name in settings}
    names = tuple(checks.path("TEXT", name) for name in texts)
    given: dict[str, Any] = {}
    if vocabulary is not None:
        given["vocabulary"] = checks.one_of("--vocabulary", vocabulary, KINDS)
    if validation_file is not None:
        if "validation" in settings:
            raise ConfigError("--validation: give a share or a file, not both")
        given["validation_file"] = checks.path("--validation", validation_file)
    if encoding is not None:
        given["encoding"] = checks.text("--encoding", encoding)
    if newlines is not None:
        given["newlines"] = checks.one_of("--newlines", newlines, ("keep", "lf"))
    if globs is not None and (patterns := checks.texts("--glob", globs)):
        given["globs"] = patterns
    folder = checks.place("--out", out) if out is not None else None
    resume, overwrite = checks.truth("--resume", resume), checks.truth("--overwrite", overwrite)
    whole_text = checks.truth("--use-all-text", use_all_text)
    from understudy.reporting import writing
    from understudy.runs.material import TextOptions
    from understudy.runs.request import Request, origin_named
    from understudy.runs.whole_text import sessions

    request = Request(
        TextOptions(names, **given) if names or given else None,
        preset,
        settings,
        folder,
        resume,
        overwrite,
        origin_named(start_from),
        text_settings=frozenset(given),
        whole_text=whole_text,
    )
    for session in sessions(request):
        try:
            for _ in session.prepare():
                pass
            for _ in session.reports():
                pass
            if trouble := writing.leave(session):
                warnings.warn(trouble, RuntimeWarning, stacklevel=2)
        finally:
            session.close()
    return load(session.folder.model)
