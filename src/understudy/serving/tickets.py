"""A request on its way through the engine's thread, and what comes back of it to the server's loop."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Ticket:
    """What the loop and the engine's thread share of one request.

    The engine's thread puts things into it by `Outbox`; the loop takes them out, or gives the request up.

    Attributes:
        given_up: whether nobody waits for it any more; set by the loop, read by the engine's thread.
        cost: the engine's time that it has had, in seconds, from which turns are given.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """Take what tells the engine's thread that something has changed; on the loop."""
        self.given_up = False
        self.cost = 0.0
        self._sent = self._taken = 0  # the one is counted by the engine's thread alone, the other by the loop
        self._things: deque[tuple[Any, int]] = deque()
        self._there = asyncio.Event()
        self._wake = wake

    @property
    def unread(self) -> int:
        """Characters that were sent and not taken yet."""
        return self._sent - self._taken

    def sends(self, size: int) -> None:
        """So many characters are on their way; in the engine's thread."""
        self._sent += size

    def put(self, thing: Any, size: int) -> None:
        """Something came, of so many characters; on the loop."""
        self._things.append((thing, size))
        self._there.set()

    async def take(self) -> list[Any]:
        """All that has come since the last time, one thing at least."""
        await self._there.wait()
        self._there.clear()
        things = [thing for thing, _ in self._things]
        read = sum(size for _, size in self._things)
        self._things.clear()
        if read:
            self._taken += read
            self._wake()
        return things

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        if not self.given_up:
            self.given_up = True
            self._wake()


class Outbox:
    """What one call of the engine has brought, delivered to the loop in one go."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._things: list[tuple[Ticket, Any, int]] = []

    def put(self, ticket: Ticket, thing: Any, size: int = 0) -> None:
        """Put something in for a ticket."""
        ticket.sends(size)
        self._things.append((ticket, thing, size))

    def deliver(self) -> None:
        """Hand all of it to the loop, unless that has ended."""
        if self._things and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_deliver, self._things)
        self._things = []


def charge(work: "Sequence[_Work]", seconds: float) -> None:
    """Share the time that some work took among the requests that it was for."""
    for each in work:
        each.ticket.cost += seconds / len(work)


class _Work(Protocol):
    @property
    def ticket(self) -> Ticket:
        """The request."""


def _deliver(things: list[tuple[Ticket, Any, int]]) -> None:
    for ticket, thing, size in things:
        ticket.put(thing, size)
