"""How training looks on a terminal: a live display, redrawn in place."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from understudy.runs.keeping import Setback
from understudy.showing.plain import Plain
from understudy.showing.terminal import Outlet, visible
from understudy.showing.words import report_figures
from understudy.training.loop import Report

if TYPE_CHECKING:
    from understudy.runs.session import Session

_SECONDS = 0.25
"""So long a picture of what is read stays at least."""


class LiveDisplay(Plain):
    """Progress, time left, figures and the last sample, redrawn in place."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__(outlet)
        self.console = Console(file=cast("TextIO", outlet), highlight=False)
        self._live: Live | None = None
        self._reading: Live | None = None
        self._drawn_at = 0.0
        self._figures: dict[str, str] = {}
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps, left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=self.console,
        )

    def line(self, text: str) -> None:
        """Print one line, above the display where there is one."""
        self.console.print(Text(visible(text)), soft_wrap=True)

    def sample(self, text: str) -> None:
        """Print what the model wrote at the end, as far as a terminal may show it."""
        self.line(text.replace("\r\n", "\n"))

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Show how far the reading of texts has come, for as long as that takes."""
        try:
            with super().preparing():
                yield
        finally:
            self._end_reading()

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Redraw, where it takes longer than people wait; it is gone when it is over."""
        told = self._waiting.told(what, done, total)
        if told is None:
            return
        if told.over:
            self._end_reading()
        elif time.perf_counter() - self._drawn_at >= _SECONDS:
            self._drawn_at = time.perf_counter()
            parts: list[Any] = [Text(visible(told.line))]
            if told.share is not None:
                parts.insert(0, ProgressBar(completed=100 * told.share, width=40))
            if self._reading is None:
                self._reading = Live(console=self.console, auto_refresh=False, transient=True)
                self._reading.start()
            self._reading.update(Group(*parts), refresh=True)

    def _end_reading(self) -> None:
        if self._reading is not None:
            self._reading.stop()
            self._reading = None

    @contextmanager
    def training(self, session: "Session") -> Iterator[None]:
        """Show the model, and the display for as long as it trains."""
        self._end_reading()
        self._begin(session)
        done, self._figures = session.trainer.progress.step, {}
        for task in self._progress.task_ids:  # of a session before this one
            self._progress.remove_task(task)
        self._task = self._progress.add_task("", total=session.facts.schedule.steps, completed=done)
        with Live(self._drawn(), console=self.console, refresh_per_second=4, transient=False) as self._live:
            try:
                yield
            finally:
                self._live.update(self._drawn())
                del self.session

    def show(self, report: Report) -> None:
        """Redraw with the report's figures."""
        self._note()
        if isinstance(report, Setback):
            super().show(report)
            return
        self._figures.update(report_figures(report))
        self._progress.update(self._task, total=self.session.facts.schedule.steps, completed=report.step)
        if self._live is not None:
            self._live.update(self._drawn())

    def _drawn(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, value in self._figures.items():
            table.add_row(Text(name, style="dim"), Text(visible(value)))
        parts: list[Any] = [self._progress, table]
        if self.session.samples:
            sample = visible(self.session.samples[-1].replace("\r\n", "\n")).strip("\n")
            parts.append(Panel(Text(sample), title="what it writes now", title_align="left"))
        return Group(*parts)
