"""How training looks in a notebook: a bar that moves, figures and the last sample, as HTML that asks for nothing.

The colours are the notebook's own, light or dark, but for the bar's; what cannot show HTML gets a line of text.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from understudy.pages import cells, escaped
from understudy.runs.keeping import Setback
from understudy.seeing.visible import visible
from understudy.showing.plain import Plain
from understudy.showing.terminal import Outlet
from understudy.showing.times import duration
from understudy.showing.waiting import Told
from understudy.showing.words import done_lines, report_figures
from understudy.training.loop import Report

if TYPE_CHECKING:
    from understudy.runs.session import Session

_SECONDS = 0.25
"""So long a picture stays at least."""
_BAR = "#2a9187"
_TRACK = "height:0.6em;margin:0.5em 0 0.25em;border:1px solid currentColor;border-radius:0.3em;overflow:hidden"


class Notebook(Plain):
    """One output of a cell, which is changed as training goes on; one more for each session."""

    def __init__(self, outlet: Outlet, shell: Any) -> None:
        super().__init__(outlet)
        self._display = shell.display_pub
        self._began, self._first, self._step, self._steps = 0.0, 0, 0, 0
        self._reading: Told | None = None
        self._new()

    def line(self, text: str) -> None:
        """Show one line above the bar, with the next picture."""
        self._notes.append(text)
        self._draw_in_time()

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Show how far the reading of a text has come, where it takes longer than people wait."""
        told = self._waiting.told(what, done, total)
        before, self._reading = self._reading, None if told is None or told.over else told
        if self._reading is not None or before is not None:
            self._draw_in_time()

    def done(self, result: dict[str, Any]) -> None:
        """Show the figures that came of it."""
        self._notes += done_lines(result)
        self._draw()

    @contextmanager
    def training(self, session: "Session") -> Iterator[None]:
        """Show the model, and the bar for as long as it trains."""
        if self._steps:
            self._new()
        self._began, self._first = time.perf_counter(), session.trainer.progress.step
        self._step, self._steps = self._first, session.facts.schedule.steps
        self._reading = None
        with super().training(session):
            try:
                self._draw()
                yield
            finally:
                self._draw()

    def show(self, report: Report) -> None:
        """Show a report."""
        self._note()
        self._step, self._steps = report.step, self.session.facts.schedule.steps
        if isinstance(report, Setback):
            self.line(f"setback: {report.message}")
            return
        self._figures.update(report_figures(report))
        if self.session.samples:
            self._sample = self.session.samples[-1]
        self._draw_in_time()

    def _draw_in_time(self) -> None:
        """Draw, where the last picture has stood long enough."""
        if time.perf_counter() - self._drawn >= _SECONDS:
            self._draw()

    def _new(self) -> None:
        """Begin another output, below the ones before."""
        self._notes: list[str] = []
        self._figures: dict[str, str] = {}
        self._sample = ""
        self._reading = None
        self._name: str | None = None
        self._drawn = -_SECONDS

    def _draw(self) -> None:
        """Draw; training never ends because of what it wanted to show."""
        update = self._name is not None
        self._name = self._name or f"understudy-{id(self):x}-{time.monotonic_ns():x}"
        data = {"text/html": self._html(), "text/plain": self._plain()}
        with suppress(Exception):
            self._display.publish(data=data, metadata={}, transient={"display_id": self._name}, update=update)
        self._drawn = time.perf_counter()

    def _place(self) -> str:
        """Where the run stands, and how long it takes from here."""
        told = f"step {self._step:,} of {self._steps:,}"
        done = self._step - self._first
        if done > 0 and self._step < self._steps:
            left = (time.perf_counter() - self._began) / done * (self._steps - self._step)
            told += f", {duration(left)} left"
        return told

    def _plain(self) -> str:
        reading = [] if self._reading is None else [self._reading.line]
        notes = "\n".join(map(visible, [*self._notes, *reading]))
        if not self._steps:
            return notes
        figures = "  ".join(f"{name} {value}" for name, value in self._figures.items())
        return f"{notes}\n{self._place()}  {figures}"

    def _html(self) -> str:
        parts = [cells.quiet(visible(note)) for note in self._notes]
        if self._reading is not None:
            parts += [] if self._reading.share is None else [_bar("reading", self._reading.share)]
            parts.append(f"<div>{_text(self._reading.line)}</div>")
        if self._steps:
            parts += [_bar("training", self._step / max(1, self._steps)), f"<div>{_text(self._place())}</div>"]
        shown = (
            f"<span><span style='opacity:0.75'>{_text(name)}</span> {_text(value)}</span>"
            for name, value in self._figures.items()
        )
        parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:0 1.25em">{"".join(shown)}</div>')
        if self._sample:
            sample = _text(self._sample.replace("\r\n", "\n").strip("\n"))
            parts.append(cells.quiet("what it writes now"))
            parts.append(f'<div style="{cells.TEXT};max-height:16em;overflow:auto">{sample}</div>')
        return cells.framed(*parts)


def _bar(label: str, share: float) -> str:
    now = f"{100 * share:.1f}"
    bar = f'<div style="width:{now}%;height:100%;background:{_BAR}"></div>'
    role = f'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{now}"'
    return f'<div {role} aria-label="{label}" style="{_TRACK}">{bar}</div>'


def _text(text: str) -> str:
    return escaped(visible(text))
