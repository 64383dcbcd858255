"""The sittings of a run, one after another: each trains as long as somebody asks for what happens, and lets all go."""

import warnings
import weakref
from collections.abc import Generator
from contextlib import closing
from inspect import GEN_RUNNING, GEN_SUSPENDED, getgeneratorstate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.errors import ConfigError, DivergedError

if TYPE_CHECKING:
    from understudy.model.file import ModelFile
    from understudy.runs.request import Request
    from understudy.runs.session import Session
    from understudy.training.loop import Report

    Events = Generator[str | Session | Report, None, None]


class Sittings:
    """What a run to iterate over is made of.

    Attributes:
        notes: what there was to say of the text and the settings, a line each.
        folder: the run folder, as soon as it is known.
        model: the model's file, as soon as it is known; it may not be there yet.
        step: steps done, at the last report.
        session: the one that is open.
        resumable: whether there is a checkpoint to go on from.
        done: whether the last step is done.
        result: the figures of the last sitting.
        received: the model, where another process keeps the run.
    """

    def __init__(self, request: "Request") -> None:
        self._request = request
        self.notes: list[str] = []
        self.folder = request.out
        self.model: Path | None = None
        self.step = 0
        self.session: Session | None = None
        self.resumable = self.done = False
        self.result: dict[str, Any] = {}
        self.received: ModelFile | None = None
        self._steps: int | None = None
        self._samples: list[str] = []
        self._open: weakref.ref[Events] | None = None

    @property
    def steps(self) -> int | None:
        """Steps of the schedule, as far as is known."""
        return (_steps_of(self.session) if self.session is not None else None) or self._steps

    @property
    def samples(self) -> list[str]:
        """What the model wrote at the evaluations so far."""
        return [*self._samples, *(_samples_of(self.session) if self.session is not None else [])]

    def events(self) -> "Events":
        """A line for each thing found, the session as its training begins, and each report.

        Whoever closes them between two reports has a checkpoint written; so has Ctrl-C, when the step is done.

        Raises:
            ConfigError: somebody asks for them already.
        """
        going = None if self._open is None else self._open()
        if going is not None and getgeneratorstate(going) in (GEN_SUSPENDED, GEN_RUNNING):
            raise ConfigError("this run is being iterated over already: leave that loop, or close the run, first")
        events = self._sittings()
        self._open = weakref.ref(events)
        return events

    def close(self) -> None:
        """Close the events that somebody asks for, if somebody does.

        Raises:
            StorageError: the disk refused the checkpoint; the one before it is whole.
        """
        going = None if self._open is None else self._open()
        if going is not None:
            going.close()

    def _sittings(self) -> "Events":
        """No frame holds a session: a traceback that somebody keeps would keep its files open."""
        from understudy.runs.whole_text import sessions

        if self.done:
            return
        parts = sessions(_again(self.folder) if self.resumable else self._request)
        with closing(parts):
            yield from self._parts(parts)
        self.done = True

    def _parts(self, parts: "Generator[Session]") -> "Events":
        while (part := next(parts, None)) is not None:
            self.session, part = part, None
            try:
                for line in self.session.prepare():
                    self.notes.append(line)
                    yield line
                self._begun(self.session)
                yield self.session
                try:
                    yield from self._trained()
                except DivergedError:
                    _leave_report(self.session)  # which shows where it went wrong
                    raise
                _leave_report(self.session)
            finally:
                self._let_go()

    def _trained(self) -> Generator["Report", None, None]:
        """The reports of a session that is prepared. Ctrl-C waits for the step to end, and for the checkpoint."""
        from understudy.runs.signals import interrupts_wait

        assert self.session is not None, "a session trains"
        reports = self.session.reports()
        with closing(reports):
            going = True
            while going:
                going, report = False, None
                with interrupts_wait() as caught:
                    for report in reports:
                        if report is not None or self.session.stops(caught.number is not None):
                            going = True
                            break
                    if self.session.stops(caught.number is not None):
                        self._stop()
                if going and report is not None:
                    self.step, self._steps = report.step, self.steps
                    try:
                        yield report
                    except GeneratorExit:
                        with interrupts_wait():
                            self._stop()
                        raise

    def _begun(self, session: "Session") -> None:
        self.folder, self.model = session.folder.whole, session.folder.model
        self._steps, self.step = session.facts.schedule.steps, session.trainer.progress.step

    def _stop(self) -> None:
        """Write a checkpoint between two steps, and the page on the run."""
        assert self.session is not None, "a session trains"
        if not self.session.finished:
            self.session.save()
        _leave_report(self.session)

    def _let_go(self) -> None:
        """Keep of a session that ends what the run is asked for later, and nothing that is open."""
        session, self.session = self.session, None
        assert session is not None, "a session ends"
        try:
            self._samples += _samples_of(session)
            self.resumable = session.resumable
            if self.resumable:
                self.folder = session.folder.whole
            self.received = session.received or self.received
            if (steps := _steps_of(session)) is not None:
                self._steps, self.step = steps, session.trainer.progress.step
                self.result = session.result()
        finally:
            session.close()


def _leave_report(session: "Session | None") -> None:
    from understudy.reporting import writing

    assert session is not None, "a session trained"
    if trouble := writing.leave(session):
        warnings.warn(trouble, RuntimeWarning, stacklevel=5)


def _again(folder: Path | None) -> "Request":
    """To go on with the run in a folder."""
    from understudy.runs.request import Request

    return Request(None, None, {}, folder, resume=True)


def _steps_of(session: "Session") -> int | None:
    return session.facts.schedule.steps if hasattr(session, "run") else None


def _samples_of(session: "Session") -> list[str]:
    return session.samples if hasattr(session, "keeper") else []


def way_on(sittings: Sittings) -> str:
    """What is left to a program that was interrupted, and how it goes on, in one line."""
    if not sittings.resumable:
        return "interrupted; training had not begun, and nothing is kept"
    where = "" if sittings.steps is None else f" at step {sittings.step:,} of {sittings.steps:,}"
    call = f"understudy.train(out={str(sittings.folder)!r}, resume=True)"
    return f"interrupted{where}; the checkpoint is written; go on with: {call}"
