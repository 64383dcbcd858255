"""The engine's thread: work comes in by a queue, and its results go back to the loop once a call."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

from understudy.serving.limits import Limits
from understudy.serving.readings import Reading
from understudy.serving.refusals import Refused, stopping
from understudy.serving.served import Served
from understudy.serving.tickets import Outbox, Ticket

_log = logging.getLogger(__name__)


class Desk:
    """Owns the work on the models that are served, and one thread that runs their engines.

    What is called from outside is called on the loop; `add_reading` and `add_row`, by what a reading leads to, in the
    thread.
    """

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        """Take the bounds, and where results go; `start` begins."""
        self._limits = limits
        self._models: list[Served] = []
        """Those that there is work on."""
        self.outbox = Outbox(loop)
        self._commands: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._tickets: set[Ticket] = set()
        self._texts = 0
        self._closed: Refused | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more on, and end all that is under way with a last word."""
        if self._closed is None:
            self._closed = stopping()
            for ticket in self._tickets:
                ticket.put(stopping(), 0)
                ticket.give_up()
            self._commands.put(self._end)

    def enter(self, texts: int) -> "Entry":
        """Let a request in that asks for so many texts.

        Raises:
            Refused: the server is stopping, or has failed, or as many texts as may wait are waiting.
        """
        if self._closed is not None:
            raise self._closed
        most = self._limits.together + self._limits.waiting
        if self._texts + texts > most:
            raise Refused(
                429,
                f"{self._texts} texts are being written, and at most {most} may be, with those that wait; come again",
                code="busy",
                wait=1,
            )
        return Entry(self, texts)

    def submit(
        self, model: Served, ticket: Ticket, readings: Iterable[Reading] = (), begin: Callable[[], None] | None = None
    ) -> None:
        """Hand a request's work on a model to the thread: texts to read, and something to do there first."""
        own = list(readings)

        def take_on() -> None:
            if model not in self._models:
                self._models.append(model)
            ticket.cost = min((cost for other in self._models for cost in other.costs), default=0.0)
            if begin is not None:
                begin()
            for reading in own:
                model.reader.add(reading)

        self._commands.put(take_on)

    def wake(self) -> None:
        """Something has changed that the thread should look at."""
        self._commands.put(None)

    @property
    def waiting(self) -> int:
        """The texts that are being written, or wait for it."""
        return self._texts

    def _run(self) -> None:
        try:
            while not self._ended:
                self._take_commands()
                for model in self._models:
                    model.turn(lambda ticket: ticket.given_up, self.outbox)
                self._models = [model for model in self._models if model.used]
                self.outbox.deliver()
        except BaseException:
            _log.exception("the engine's thread has ended")
            self.outbox.deliver()
            self._fail()
            raise

    def _take_commands(self) -> None:
        """Take what has come; wait for something where there is nothing to do."""
        wait = not any(model.busy for model in self._models)
        while True:
            try:
                command = self._commands.get(block=wait)
            except Empty:
                return
            wait = False
            if command is not None:
                command()

    def _end(self) -> None:
        self._ended = True

    def _fail(self) -> None:
        """Tell everybody that nothing more comes; only a mistake of ours leads here."""
        self._closed = Refused(500, "the engine has failed; start the server again", code="failed")
        for ticket in list(self._tickets):
            self.outbox.put(ticket, self._closed)
        self.outbox.deliver()

    def _came(self, ticket: Ticket, texts: int) -> None:
        self._tickets.add(ticket)
        self._texts += texts

    def _left(self, ticket: Ticket, texts: int) -> None:
        ticket.give_up()
        self._tickets.discard(ticket)
        self._texts -= texts


class Entry:
    """A request that was let in: a ticket, for as long as it is under way."""

    def __init__(self, desk: Desk, texts: int) -> None:
        self._desk, self._texts = desk, texts
        self.ticket = Ticket(desk.wake)

    def __enter__(self) -> Ticket:
        self._desk._came(self.ticket, self._texts)
        return self.ticket

    def __exit__(self, *_: object) -> None:
        self._desk._left(self.ticket, self._texts)
