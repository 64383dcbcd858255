"""The library as a program sees it: train a model, load one, write with it, score texts with it."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from understudy import checks
from understudy.learning import Run
from understudy.loading import Name, load
from understudy.samples import Sample, Stream
from understudy.sittings import way_on
from understudy.trained import Model

if TYPE_CHECKING:
    from understudy.showing.plain import Plain

__all__ = ["Model", "Run", "Sample", "Stream", "load", "train"]


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
    quiet: bool = False,
    **settings: Any,
) -> Model:
    """Learn from texts, as `understudy train` does, and give the best model found.

    On a terminal and in a notebook it shows how it goes. Ctrl-C, or interrupting the cell, lets the step in progress
    end, writes a checkpoint and says how to go on. `understudy.Run` takes the same and gives the figures as they come.

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
        quiet: show nothing, wherever it runs.
        settings: fields of `understudy.training.recipe.Recipe`: minutes, units, learning_rate, ...

    Raises:
        UserError: something given does not fit.
        DivergedError: training met numbers that are not finite more often than it may go back.
        StorageError: the disk refused.
        KeyboardInterrupt: it was interrupted; the run can be gone on with.
    """
    hidden = checks.truth("quiet", quiet)
    run = Run(
        *texts,
        out=out,
        preset=preset,
        vocabulary=vocabulary,
        validation_file=validation_file,
        encoding=encoding,
        newlines=newlines,
        globs=globs,
        resume=resume,
        overwrite=overwrite,
        start_from=start_from,
        use_all_text=use_all_text,
        **settings,
    )
    from understudy.showing.choice import display_in_program

    screen = display_in_program(quiet=hidden)
    try:
        with run:
            _show(run, screen)
    except KeyboardInterrupt:
        told = way_on(run._sittings)
        screen.told(told)
        raise KeyboardInterrupt(*([told] if hidden else [])) from None  # what it came through tells nobody anything
    screen.done(run._sittings.result)
    return run.model


def _show(run: Run, screen: "Plain") -> None:
    """Train, and show it."""
    from understudy.training.loop import Report

    with screen.preparing(), ExitStack() as training:
        for event in run._sittings.events():
            if isinstance(event, Report):
                screen.show(event)
                continue
            training.close()
            if isinstance(event, str):
                screen.line(event)
            else:
                training.enter_context(screen.training(event))
            del event  # a session is held by nobody else: what it has open is let go when it ends
