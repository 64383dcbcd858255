"""How training looks where nothing can be redrawn: plain lines, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from understudy.checks import named
from understudy.runs.keeping import Setback
from understudy.shell import command_line, path_argument
from understudy.showing.terminal import Outlet, say_text, tell, visible
from understudy.showing.waiting import Waiting
from understudy.showing.words import done_lines, kernels_line, model_line, report_figures, run_of
from understudy.text.progress import observed
from understudy.training.loop import Report

if TYPE_CHECKING:
    from understudy.runs.session import Session

_PLAIN_REPORTS = 20
_PAUSE, _PAUSE_SHARE = 10.0, 0.2
"""So many seconds lie between two lines on a text that is read, and this share of what it took so far."""


class Plain:
    """One line for an evaluation, and for every twentieth of the run."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.session: Session
        self._waiting = Waiting()
        self._said: float | None = None

    def line(self, text: str) -> None:
        """Print one line; where it cannot be printed, as after `| head`, the training goes on in silence."""
        self.outlet.write(visible(text) + "\n")

    def sample(self, text: str) -> None:
        """Print what the model wrote at the end."""
        self.outlet.write(text + "\n")

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Show how far the reading of texts has come, for as long as that takes."""
        with observed(self.progress):
            yield

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Print a line now and then on what takes longer than people wait."""
        told = self._waiting.told(what, done, total)
        if told is None or told.over:
            self._said = None
        elif self._said is None or told.seconds - self._said >= max(_PAUSE, _PAUSE_SHARE * told.seconds):
            self._said = told.seconds
            self.line(told.line)

    @contextmanager
    def training(self, session: "Session") -> Iterator[None]:
        """Show the model that is trained, and then its training."""
        self._begin(session)
        try:
            yield
        finally:
            del self.session  # nothing that is shown later holds what it has open

    def _begin(self, session: "Session") -> None:
        self.session = session
        self.line(model_line(session))
        self.line(kernels_line(session))

    def show(self, report: Report) -> None:
        """Show a report."""
        self._note()
        if isinstance(report, Setback):
            self.line(f"setback: {report.message}")
            return
        steps = self.session.facts.schedule.steps
        every = max(10, steps // _PLAIN_REPORTS // 10 * 10)
        if report.windowed is not None or report.step % every == 0 or report.step == steps:
            width = len(f"{steps:,}")
            figures = "  ".join(f"{name} {value}" for name, value in report_figures(report))
            self.line(f"step {report.step:>{width},} of {steps:,}  {figures}")

    def _note(self) -> None:
        """Say what there is to say beside the reports."""
        for note in self.session.take_notes():
            self.line(f"note: {note}")

    def told(self, text: str) -> None:
        """Say beside what is shown, on standard error, how to go on."""
        tell(text)

    def interrupted(self, session: "Session") -> None:
        """Say where the run stands and how it goes on; this is said even where all else is quiet."""
        step, steps = session.trainer.progress.step, session.facts.schedule.steps
        tell(
            f"interrupted at step {step:,} of {steps:,}; the checkpoint is written; go on with:\n"
            f"  {session.resume_command}"
        )

    def done(self, result: dict[str, Any]) -> None:
        """Show the figures that came of it."""
        for line in done_lines(result):
            self.line(line)

    def result(self, result: dict[str, Any]) -> None:
        """Show what came of it, and how a command goes on with it."""
        self.done(result)
        if "report" in result:
            self.line(f"how it went: {named(result['report'])}")
        command = command_line(["understudy", "generate", path_argument(run_of(result["model"]))])
        self.line(f"written to {named(result['model'])}; let it write: {command}")
        if "text" in result:
            self.sample(result["text"])


class Quiet(Plain):
    """Nothing, but the sample where one was asked for."""

    def told(self, text: str) -> None:
        """Say nothing."""

    def line(self, text: str) -> None:
        """Say nothing."""

    def result(self, result: dict[str, Any]) -> None:
        """Show the sample alone."""
        if "text" in result:
            say_text(result["text"] + "\n")
