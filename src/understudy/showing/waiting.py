"""What is told of a text while it is read, and about how long that takes until the first step."""

import time
from collections.abc import Callable
from typing import NamedTuple

from understudy.showing.times import about
from understudy.text.progress import CHECKING, ENCODING, READING

PATIENCE = 2.0
"""Seconds that anything may take before a word is said of it."""
_STILL_TO_COME = {READING: 1.4, ENCODING: 0.0, CHECKING: 0.0}
"""What comes between a part's end and the first step, in times of that part: ids take half as long again, or less."""
_GB, _MB = 10**9, 10**6


class Told(NamedTuple):
    """How it stands.

    Attributes:
        line: in words.
        share: how much of this part is done; None where nobody knows.
        over: whether all of it is.
        seconds: how long it goes on.
    """

    line: str
    share: float | None
    over: bool
    seconds: float


class Waiting:
    """Turns progress into words, once a part of it takes longer than people like to wait without any."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter, *, until_steps: bool = True) -> None:
        """Begin.

        Args:
            clock: tells the time.
            until_steps: whether steps follow, for which people wait; else for the end of what is read.
        """
        self._clock, self._to_come = clock, _STILL_TO_COME if until_steps else {}
        self._what, self._done, self._began = "", 0, 0.0

    def told(self, what: str, done: int, total: int | None) -> Told | None:
        """How it stands with what `progress` tells; None where it went on for less than two seconds."""
        now = self._clock()
        if what != self._what or done < self._done:
            self._what, self._began = what, now
        self._done = done
        seconds = now - self._began
        if seconds < PATIENCE:
            return None
        share = min(1.0, done / total) if total else None
        return Told(
            _line(what, done, total, seconds, self._to_come.get(what)),
            share,
            total is not None and done >= total,
            seconds,
        )


def _line(what: str, done: int, total: int | None, seconds: float, to_come: float | None) -> str:
    size = _size(done, done) if total is None else f"{_size(done, total).split()[0]} of {_size(total, total)}"
    parts = [f"{what}: {size}"]
    if seconds:
        rate = done / seconds / _MB
        parts.append(f"{rate:,.{0 if rate >= 10 else 1}f} MB a second")
    if total is not None and 0 < done < total:
        left = (total - done) * seconds / done
        if to_come is None:
            parts.append(f"about {about(left)} left")
        else:
            parts.append(f"about {about(left + to_come * total * seconds / done)} to the first step")
    return ", ".join(parts)


def _size(count: int, most: int) -> str:
    """So many bytes, in the unit that suits `most`."""
    return f"{count / _GB:,.1f} GB" if most >= _GB else f"{count / _MB:,.0f} MB"
