"""A run to iterate over: it trains as long as somebody asks for its reports, and leaves a run that goes on."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from understudy import checks
from understudy.errors import ConfigError
from understudy.loading import Name, load
from understudy.sittings import Sittings
from understudy.text.vocabulary import KINDS
from understudy.trained import Model

if TYPE_CHECKING:
    from understudy.runs.request import Request
    from understudy.runs.session import Session
    from understudy.training.loop import Report


class Run:
    """A run, to iterate over: it trains, and gives a `Report` at least every ten steps.

    Where the loop is left (`break`, an exception, Ctrl-C, `close`, the end of a `with` block), the step in progress is
    done, a checkpoint is written, and every lock and file is let go. Iterating again goes on from there; so does
    `understudy.train(out=run.folder, resume=True)`, in this process or another. A run that is done gives nothing more.
    """

    def __init__(
        self,
        *texts: Name,
        out: Name | None = None,
        preset: str | None = None,
        vocabulary: Literal["characters", "bytes"] | None = None,
        validation_file: Name | None = None,
        encoding: str | None = None,
        newlines: Literal["keep", "lf"] | None = None,
        globs: str | Sequence[str] | None = None,
        text_field: str | None = None,
        between: str | None = None,
        resume: bool = False,
        overwrite: bool = False,
        start_from: Name | None = None,
        use_all_text: bool = False,
        **settings: Any,
    ) -> None:
        """Take what `understudy.train` takes, and check it; nothing is read or written before the first report.

        Raises:
            UserError: something given does not fit.
        """
        self._sittings = Sittings(
            _request(
                texts,
                _reading(vocabulary, validation_file, encoding, newlines, globs, settings, text_field, between),
                preset,
                settings,
                checks.place("--out", out) if out is not None else None,
                start_from,
                resume=checks.truth("--resume", resume),
                overwrite=checks.truth("--overwrite", overwrite),
                whole_text=checks.truth("--use-all-text", use_all_text),
            )
        )
        self._model: Model | None = None

    def __iter__(self) -> Iterator["Report"]:
        """Train, or go on; see the class.

        Raises:
            UserError: something given does not fit, or somebody iterates over the run already.
            DivergedError: training met numbers that are not finite more often than it may go back.
            StorageError: the disk refused.
        """
        return _reports(self._sittings.events())

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        now = self._sittings
        where = "" if now.folder is None else f" in {checks.named(now.folder)}"
        if now.steps is None:
            return f"<Run{where}: not begun>"
        state = "done" if now.done else "stopped" if now.session is None else "training"
        return f"<Run{where}: {state} at step {now.step:,} of {now.steps:,}>"

    def _repr_html_(self) -> str:
        from understudy.pages import cells

        return cells.framed(cells.titled(repr(self)[1:-1]), *map(cells.quiet, self.notes))

    @property
    def notes(self) -> list[str]:
        """What there was to say of the text and the settings, a line each."""
        return list(self._sittings.notes)

    @property
    def folder(self) -> Path:
        """The run folder.

        Raises:
            ConfigError: it is not chosen yet: the run has not begun, and no `out` was given.
        """
        if self._sittings.folder is None:
            raise ConfigError("this run has no folder yet: iterate over it, or give it one with out=")
        return self._sittings.folder

    @property
    def steps(self) -> int | None:
        """Steps of the schedule, as far as is known: a run by minutes may get more or fewer; None before it begins."""
        return self._sittings.steps

    @property
    def samples(self) -> list[str]:
        """What the model wrote at the evaluations so far."""
        return self._sittings.samples

    @property
    def model(self) -> Model:
        """The best model so far; the latest where nothing is held back.

        Raises:
            ConfigError: there is none yet: it is written at the first evaluation, or with a checkpoint.
        """
        if self._model is not None:
            return self._model
        from understudy.runs.ownership import there

        if self._sittings.received is not None:
            self._model = Model(self._sittings.received)
            return self._model
        path = self._sittings.model
        if path is None or not there(path):
            raise ConfigError("this run has no model yet: iterate over it, at least until its first evaluation")
        found = load(path)
        if self._sittings.done:
            self._model = found
        return found

    def close(self) -> None:
        """End an iteration that goes on, as `break` does; iterating again goes on from there.

        Raises:
            StorageError: the disk refused the checkpoint; the one before it is whole.
        """
        self._sittings.close()


def _reports(events: Generator["str | Session | Report", None, None]) -> Generator["Report", None, None]:
    from understudy.training.loop import Report

    try:
        for event in events:
            if isinstance(event, Report):
                yield event
    finally:
        events.close()


def _reading(
    vocabulary: str | None,
    validation_file: Name | None,
    encoding: str | None,
    newlines: str | None,
    globs: str | Sequence[str] | None,
    settings: dict[str, Any],
    text_field: str | None,
    between: str | None,
) -> dict[str, Any]:
    """How the texts are to be read, as far as it was said."""
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
    if text_field is not None:
        given["text_field"] = checks.text_field(text_field)
    if between is not None:
        given["between"] = checks.between(between)
    return given


def _request(
    texts: tuple[Name, ...],
    given: dict[str, Any],
    preset: str | None,
    settings: dict[str, Any],
    folder: Path | None,
    start_from: Name | None,
    **how: Any,
) -> "Request":
    from understudy.training import recipe as recipes

    recipe = recipes.preset(recipes.DEFAULT_PRESET if preset is None else preset).with_settings(**settings)
    settings = {name: getattr(recipe, name) for name in settings}
    names = tuple(checks.path("TEXT", name) for name in texts)
    from understudy.runs.material import TextOptions
    from understudy.runs.request import Request, origin_named

    options = TextOptions(names, **given) if names or given else None
    return Request(
        options, preset, settings, folder, origin=origin_named(start_from), text_settings=frozenset(given), **how
    )
