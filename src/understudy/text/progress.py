"""How far something is that takes its time, told to whoever wants to show it; nobody unless somebody asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[str, int, int | None], None]
"""Takes what is being done, how many bytes of it are done, and how many there are in all, where that is known."""


def _nobody(what: str, done: int, total: int | None) -> None:
    """Nobody wants to know."""


_LISTENER: ContextVar[Progress] = ContextVar("progress", default=_nobody)


def progress(what: str, done: int, total: int | None) -> None:
    """Tell how far something is."""
    _LISTENER.get()(what, done, total)


@contextmanager
def told_to(listener: Progress) -> Iterator[None]:
    """Have it told to `listener` until the block ends."""
    before = _LISTENER.get()
    _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.set(before)
