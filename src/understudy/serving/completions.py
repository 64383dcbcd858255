"""`/v1/completions` and `/v1/models`."""

import asyncio
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from understudy.errors import VocabularyError
from understudy.generation.stream import StreamState
from understudy.serving.answers import Answer
from understudy.serving.asked import Asked, asked
from understudy.serving.desk import Desk
from understudy.serving.limits import Limits
from understudy.serving.offered import Offered, Told
from understudy.serving.refusals import Refused
from understudy.serving.replies import Reply, json_of, one_document, streamed
from understudy.serving.served import Served
from understudy.serving.texts import Texts
from understudy.serving.tickets import Ticket
from understudy.serving.tokens import Tokens
from understudy.text.vocabulary import printable

_DONE = b"data: [DONE]\n\n"
_LONG = 1 << 16
"""A prompt of more characters is made into ids beside the loop."""


class Completions:
    """Answers requests for completions."""

    def __init__(self, models: Offered, desk: Desk, limits: Limits) -> None:
        """Take the models, what runs them, and the bounds."""
        self._models, self._desk, self._limits, self._tokens = models, desk, limits, Tokens()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        wanted = asked(await json_of(Request(scope, receive), self._limits.depth), self._limits)
        model = await self._models.find(wanted.model)
        prompts = [await encoded(model, prompt, wanted, self._limits) for prompt in wanted.prompts]
        state = None
        if wanted.state is not None:
            state = self._tokens.read(wanted.state, model.digest, model.widths)
            if wanted.seed is not None and wanted.seed != state.seed:
                state = state.reseeded(wanted.seed)
        first = state.seed if state is not None else wanted.seed
        assert first is not None, "a request without a state has a seed"
        seeds = [first + number for _ in prompts for number in range(wanted.n)]
        symbols = 0 if state is not None else sum(map(len, prompts))
        answer = Answer(wanted, model, seeds, symbols, self._tokens)
        with self._desk.enter(len(seeds)) as ticket:
            self._begin(ticket, wanted, model, prompts, state, first)
            if wanted.stream:
                reply = streamed(ticket, lambda things: _events(answer, things, wanted), "text/event-stream")
            else:
                reply = one_document(_whole(ticket, answer))
            await Reply(reply, ticket, self._limits.stall)(scope, receive, send)

    def _begin(
        self,
        ticket: Ticket,
        wanted: Asked,
        model: Served,
        prompts: list[NDArray[np.int64]],
        state: StreamState | None,
        seed: int,
    ) -> None:
        """Hand the work to the engine's thread."""
        texts = [Texts(self._desk.outbox, ticket, wanted, model, place * wanted.n) for place in range(len(prompts))]
        if state is not None:
            self._desk.submit(model, ticket, begin=lambda: texts[0].begin(state))
            return
        self._desk.submit(
            model,
            ticket,
            [own.reading(ids, seed) for own, ids in zip(texts, prompts, strict=True)],
        )


async def encoded(model: Served, prompt: str, wanted: Asked, limits: Limits) -> NDArray[np.int64]:
    """The ids of a prompt.

    Raises:
        Refused: it has characters that the model never saw, or too many symbols.
    """
    try:
        if len(prompt) > _LONG:
            ids = await asyncio.to_thread(model.vocabulary.encode, prompt, wanted.unknown)
        else:
            ids = model.vocabulary.encode(prompt, wanted.unknown)
    except VocabularyError as error:
        names = ", ".join(printable(character) for character in sorted(model.vocabulary.unknown(prompt))[:8])
        raise Refused(
            400,
            f'prompt: characters that the model never saw: {names}; leave them out, or give "unknown": "skip"',
            param="prompt",
            code="unknown_characters",
        ) from error
    if len(ids) > limits.prompt:
        raise Refused(400, f"prompt: {len(ids):,} symbols, expected at most {limits.prompt:,}", param="prompt")
    return ids


def model_document(model: Told, since: int) -> dict[str, Any]:
    """One model, as clients list it, and what the page shows beside that."""
    config = model.config
    return {
        "id": model.name,
        "object": "model",
        "created": since,
        "owned_by": "understudy",
        "kind": model.kind,
        "cell": config.cell,
        "units": config.units,
        "layers": config.layers,
        "vocabulary": config.vocabulary,
    }


async def _whole(ticket: Ticket, answer: Answer) -> dict[str, Any]:
    """The document of a request that is not streamed.

    Raises:
        Refused: it was not written to its end.
    """
    while not answer.done:
        for thing in await ticket.take():
            if isinstance(thing, Refused):
                raise thing
            answer.add(thing)
    return answer.whole()


def _events(answer: Answer, things: list[Any], wanted: Asked) -> tuple[list[bytes], bool]:
    """The events of some pieces, and whether they are the last."""
    events: list[bytes] = []
    for thing in things:
        if isinstance(thing, Refused):
            return [*events, _event(thing.document), _DONE], True
        events.append(_event(answer.chunk(thing)))
    if answer.done:
        events += [_event(answer.usage_chunk())] if wanted.usage else []
        return [*events, _DONE], True
    return events, False


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"
