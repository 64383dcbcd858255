"""How a request's body comes in and its answer goes out, given up as soon as nobody listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from understudy.serving.refusals import Refused
from understudy.serving.tickets import Ticket

Parts = Callable[[list[Any]], tuple[list[bytes], bool]]
"""From what has come for a ticket to what is to be sent, and whether that is the last."""


class Reply:
    """An answer that is made while somebody listens: one that has gone gives the request up."""

    def __init__(self, parts: AsyncIterator[tuple[str, bytes]], ticket: Ticket, stall: float) -> None:
        """Take the parts with their media type, whose request it is, and how long a client may leave them unread."""
        self._parts, self._ticket, self._stall = parts, ticket, stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        answering = asyncio.ensure_future(self._answer(send))
        listening = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((answering, listening), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
        finally:
            self._ticket.give_up()
            for task in (answering, listening):
                task.cancel()
            await asyncio.gather(answering, listening, return_exceptions=True)

    async def _answer(self, send: Send) -> None:
        started = False
        async for media_type, part in self._parts:
            if not started:
                headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
                await self._send(send, {"type": "http.response.start", "status": 200, "headers": headers})
                started = True
            await self._send(send, {"type": "http.response.body", "body": part, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, message: Message) -> None:
        """Send, unless the client leaves what it was sent unread for too long."""
        async with asyncio.timeout(self._stall):
            await send(message)


async def _gone(receive: Receive) -> None:
    """Wait until nobody listens any more."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def one_document(document: Awaitable[dict[str, Any]]) -> AsyncIterator[tuple[str, bytes]]:
    """The parts of an answer that is one document."""
    yield "application/json", json.dumps(await document).encode()


async def streamed(ticket: Ticket, parts: Parts, media_type: str) -> AsyncIterator[tuple[str, bytes]]:
    """The parts of an answer that is sent as it is made: all that has come since the last one in one."""
    last, begun = False, False
    while not last:
        things = await ticket.take()
        if isinstance(things[0], Refused) and not begun:
            raise things[0]
        made, last = parts(things)
        begun = True
        yield media_type, b"".join(made)


async def json_of(request: Request, depth: int) -> Any:
    """The JSON document of a request.

    Raises:
        Refused: there is none, or one that no sensible client sends.
    """
    body = await request.body()
    try:
        document = json.loads(body, parse_constant=_no_number)
    except RecursionError as error:
        raise Refused(400, f"the JSON lies deeper than {depth} lists and objects") from error
    except ValueError as error:  # of digits, of UTF-8, and of JSON
        raise Refused(400, f"the body is no JSON: {str(error)[:200]}") from error
    _check_depth(document, depth)
    return document


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _check_depth(document: Any, depth: int) -> None:
    level = [document]
    for _ in range(depth):
        level = [
            part
            for whole in level
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
        ]
        if not level:
            return
    if any(isinstance(whole, dict | list) for whole in level):
        raise Refused(400, f"the JSON lies deeper than {depth} lists and objects")
