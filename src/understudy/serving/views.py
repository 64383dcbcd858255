"""What the page sees of a model and a text: surprise, what comes next, the units, and what is copied."""

import asyncio
import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from understudy.errors import VocabularyError
from understudy.generation.sampling import Floats
from understudy.seeing.scoring import surprise_in
from understudy.serving.answers import shown
from understudy.serving.asked import Fields
from understudy.serving.desk import Desk
from understudy.serving.learned import Learned
from understudy.serving.limits import Limits
from understudy.serving.offered import Offered
from understudy.serving.prefixes import Place
from understudy.serving.readings import Reading
from understudy.serving.refusals import Refused
from understudy.serving.replies import Reply, json_of, one_document, streamed
from understudy.serving.served import Served
from understudy.serving.spelled import Spelled
from understudy.serving.tickets import Ticket
from understudy.text.vocabulary import opening

_MOST_NEXT = 200
_MOST_COPY = 1000
_MOST_LEARNED = 2
"""The texts of so many models are kept open."""


class Views:
    """Answers what the page asks."""

    def __init__(self, models: Offered, desk: Desk, limits: Limits) -> None:
        """Take the models, what runs them, and the bounds."""
        self._models, self._desk, self._limits = models, desk, limits
        self._learned: OrderedDict[bytes, Learned] = OrderedDict()

    async def score(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nats of every character from a place on, in lines of JSON as they come."""
        fields, model = await self._asked(scope, receive)
        text = self._text(fields)
        begin = fields.whole("from", 0, 0, len(text))
        spelled = await asyncio.to_thread(self._spelled, model, text)
        scores = _Scores(spelled, begin)

        def watch(ids: NDArray[np.int64], at: int, expected: Floats, hidden: Floats) -> None:
            del hidden
            first = at == 0
            nats = np.full(len(ids), np.nan, np.float32)
            nats[first:] = surprise_in(np.array(expected[first:]), ids[first:], 0)[0]
            self._desk.outbox.put(ticket, (at, nats))

        def parts(things: list[Any]) -> tuple[list[bytes], bool]:
            lines: list[bytes] = []
            for thing in things:
                if isinstance(thing, Refused):
                    return [*lines, _line(thing.document)], True
                lines += [_line(document) for document in scores.take(*thing)]
            return lines, scores.done

        with self._desk.enter(1) as ticket:
            if len(spelled.ids):
                since = spelled.first(begin)
                reading = Reading(ticket, spelled.ids, lambda _: None, watch=watch, since=since)
                self._desk.submit(model, ticket, [reading])
            else:
                ticket.put((0, np.zeros(0, np.float32)), 0)
            made = streamed(ticket, parts, "application/x-ndjson")
            await Reply(made, ticket, self._limits.stall)(scope, receive, send)

    async def next(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The likeliest symbols after a text, with their probabilities."""
        fields, model = await self._asked(scope, receive)
        top = fields.whole("top", 20, 1, _MOST_NEXT)
        ids = (await asyncio.to_thread(self._spelled, model, self._text(fields))).ids
        ids = ids if len(ids) else np.array([opening(model.vocabulary)], np.int64)

        def then(place: Place) -> None:
            shares = np.exp(place.logits.astype(np.float64) - place.logits.max())
            shares /= shares.sum()
            order = np.argsort(-shares, kind="stable")[:top]
            known = [[shown(model.vocabulary, int(symbol)), float(shares[symbol])] for symbol in order]
            rest = max(0.0, 1.0 - float(shares[order].sum()))
            self._desk.outbox.put(ticket, {"next": known, "rest": rest})

        with self._desk.enter(1) as ticket:
            self._desk.submit(model, ticket, [Reading(ticket, ids, then)])
            await Reply(one_document(_one(ticket)), ticket, self._limits.stall)(scope, receive, send)

    async def units(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What one unit does at every character; without a text, how many there are."""
        fields, model = await self._asked(scope, receive)
        config = model.config
        if "text" not in fields.given:
            await JSONResponse({"layers": config.layers, "units": config.units})(scope, receive, send)
            return
        layer = fields.whole("layer", 0, 0, config.layers - 1)
        unit = fields.whole("unit", 0, 0, config.units - 1)
        text = self._text(fields)
        spelled = await asyncio.to_thread(self._spelled, model, text)
        found = np.zeros(len(spelled.ids), np.float32)

        def watch(ids: NDArray[np.int64], at: int, expected: Floats, hidden: Floats) -> None:
            del expected
            found[at : at + len(ids)] = hidden[:, layer, unit]

        with self._desk.enter(1) as ticket:
            if len(spelled.ids):
                reading = Reading(
                    ticket, spelled.ids, lambda _: self._desk.outbox.put(ticket, found), watch=watch, hidden=True
                )
                self._desk.submit(model, ticket, [reading])
            else:
                ticket.put(found, 0)
            values = _values(spelled, ticket)
            await Reply(one_document(values), ticket, self._limits.stall)(scope, receive, send)

    async def copies(self, request: Request) -> Response:
        """What of a text stands word for word in the text that the model learned from."""
        fields, model = await self._asked(request.scope, request.receive)
        length = fields.whole("length", 30, 2, _MOST_COPY)
        text = self._text(fields)
        learned = self._learned.setdefault(model.digest, Learned(model))
        self._learned.move_to_end(model.digest)
        if len(self._learned) > _MOST_LEARNED:
            self._learned.popitem(last=False)
        return JSONResponse(await asyncio.to_thread(learned.copies, text, length))

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[Fields, Served]:
        fields = Fields(await json_of(Request(scope, receive), self._limits.depth))
        return fields, await self._models.find(fields.text("model", needed=True))

    def _text(self, fields: Fields) -> str:
        text = fields.text("text", empty=True) or ""
        if len(text) > self._limits.prompt:
            raise Refused(
                400, f"text: {len(text):,} characters, expected at most {self._limits.prompt:,}", param="text"
            )
        return str(text)

    def _spelled(self, model: Served, text: str) -> Spelled:
        try:
            return Spelled(model.vocabulary, text)
        except VocabularyError as error:
            raise Refused(400, "text: it has halves of characters, which are no text", param="text") from error


class _Scores:
    """Nats of characters, as those of symbols come."""

    def __init__(self, spelled: Spelled, begin: int) -> None:
        self._spelled, self._at, self._count = spelled, begin, len(spelled.ids)
        self._nats = np.where(spelled.known, 0.0, np.nan)
        self.done = False

    def take(self, at: int, nats: Floats) -> list[dict[str, Any]]:
        """The document of the characters that these symbols, from the `at`-th on, complete."""
        spelled, end = self._spelled, at + len(nats)
        np.add.at(self._nats, spelled.places[at:end], nats)
        self.done = end == self._count
        upto = len(self._nats) if self.done else int(spelled.places[end])
        if upto <= self._at and not self.done:
            return []
        begin, self._at = self._at, max(upto, self._at)
        values = self._nats[begin:upto].round(4).tolist()
        return [{"at": begin, "nats": [None if math.isnan(value) else value for value in values]}]


async def _one(ticket: Ticket) -> Any:
    """The one thing that comes for a ticket.

    Raises:
        Refused: it is that.
    """
    thing = (await ticket.take())[-1]
    if isinstance(thing, Refused):
        raise thing
    return thing


async def _values(spelled: Spelled, ticket: Ticket) -> dict[str, Any]:
    """Activations by character: the one after its last symbol."""
    found = await _one(ticket)
    values = np.full(len(spelled.known), np.nan)
    values[spelled.places] = found
    return {"values": [None if math.isnan(value) else value for value in values.round(4).tolist()]}


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"
