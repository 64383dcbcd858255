"""What ends a program, caught: it may wait for a step to end, and comes at once the second time."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HANG_UP = getattr(signal, "SIGHUP", None)
"""The terminal has gone; Windows has no such signal."""
ENDING = (signal.SIGINT, signal.SIGTERM, *((HANG_UP,) if HANG_UP is not None else ()))


class Interrupted(BaseException):
    """A signal that ends the program where it stands."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Caught:
    """The signal that came, if one did; whether it waits for the step to end; whether the program is ending."""

    number: int | None = None
    held = False
    ending = False


@contextmanager
def signals(numbers: tuple[int, ...] = ENDING) -> Iterator[Caught]:
    """Catch what ends a program; what it comes to is for the caller, who may let it wait.

    A terminal that closes may send its signal twice, once by itself and once by the shell: that is one. Signals that
    are ignored stay so, as under nohup. Only the main thread can catch any.
    """
    caught = Caught()

    def catch(number: int, frame: FrameType | None) -> None:
        if caught.ending or (caught.number is not None and number == HANG_UP):
            return
        waits = caught.held and caught.number is None
        caught.number = number
        if not waits:
            raise Interrupted(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        heard = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        before = {number: signal.signal(number, catch) for number in heard}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_wait() -> Iterator[Caught]:
    """Let Ctrl-C wait until the block is done, and then do what it did before; a second one ends the block at once.

    Raises:
        KeyboardInterrupt: it came, and nobody had told that it should do anything else.
    """
    try:
        with signals((signal.SIGINT,)) as caught:
            caught.held = True
            yield caught
    except Interrupted:
        raise KeyboardInterrupt from None
    if caught.number is not None:
        signal.raise_signal(caught.number)
