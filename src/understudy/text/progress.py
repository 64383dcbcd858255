"""How far the reading of a text has come, told to whoever shows it; nothing is printed here.

Whoever reads something that may take long calls `progress` now and then, from the thread that it was called in, and at
its end with a total of what there was. Whoever shows it puts `observed` around the work.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TAKING, READING, ENCODING, CHECKING = "taking in the text", "reading the text", "encoding it", "checking its ids"
SCORING = "scoring it"
"""What can be read only once, as it is kept; the survey of a text; its ids, as they are made; those of the cache; how
well a model predicts them, where a symbol counts as a byte."""

Observer = Callable[[str, int, int | None], None]
"""What is called with what is done, how many bytes of it, and of how many, where that is known."""

_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


@contextmanager
def observed(by: Observer) -> Iterator[None]:
    """Have `by` called with all progress in the block."""
    before = _observer.set(by)
    try:
        yield
    finally:
        _observer.reset(before)


def progress(what: str, done: int, total: int | None) -> None:
    """Tell how far something has come.

    Args:
        what: what is done, as it is shown: `reading the text`.
        done: how many bytes of it are done; `total` once, at the end.
        total: how many there are in all; None where nobody knows yet.
    """
    observer = _observer.get()
    if observer is not None:
        observer(what, done, total)


def is_observed() -> bool:
    """Whether anybody listens."""
    return _observer.get() is not None
