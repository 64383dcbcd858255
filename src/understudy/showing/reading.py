"""What commands that only read a text show while it takes long: one line on a terminal, which goes again."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from understudy.showing.terminal import Outlet, visible
from understudy.showing.waiting import Waiting
from understudy.text.progress import observed

_PAUSE = 0.1
"""Seconds between two states of the line."""
_CLEARED = "\r\x1b[K"


class _Line:
    """The last line of standard error, drawn anew over itself."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet, self._waiting, self._drawn_at = outlet, Waiting(until_steps=False), float("-inf")
        self._drawn = False

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Draw how it stands, where it takes longer than people wait."""
        told = self._waiting.told(what, done, total)
        if told is None or told.over:
            self.clear()
        elif time.perf_counter() - self._drawn_at >= _PAUSE:
            self._drawn_at, self._drawn = time.perf_counter(), True
            width = shutil.get_terminal_size().columns - 1
            self._outlet.write(_CLEARED + visible(told.line).replace("\n", " ")[:width])

    def clear(self) -> None:
        """Leave nothing of it."""
        if self._drawn:
            self._outlet.write(_CLEARED)
            self._drawn = False


@contextmanager
def shown_reading() -> Iterator[None]:
    """Show how far the reading of texts has come, on standard error and only on a terminal."""
    outlet = Outlet(sys.stderr)
    if not outlet.isatty():
        yield
        return
    line = _Line(outlet)
    try:
        with observed(line.progress):
            yield
    finally:
        line.clear()
