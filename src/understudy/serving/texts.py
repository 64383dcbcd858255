"""The texts that follow one prompt: they begin when it is read."""

import numpy as np
from numpy.typing import NDArray

from understudy.generation.sampling import Floats
from understudy.generation.stream import StreamState
from understudy.serving.asked import Asked
from understudy.serving.prefixes import Place
from understudy.serving.readings import Reading
from understudy.serving.rows import Odds, Row, Wanted, odds_of
from understudy.serving.served import Served
from understudy.serving.tickets import Outbox, Ticket
from understudy.text.vocabulary import opening


class Texts:
    """What is written for one prompt; in the engine's thread, but for what `reading` does."""

    def __init__(self, outbox: Outbox, ticket: Ticket, asked: Asked, model: Served, first: int) -> None:
        """Take where pieces go, the request, its model, and which of the request's texts is the first of these."""
        self._outbox, self._ticket, self._asked, self._model, self._first = outbox, ticket, asked, model, first
        self._echo, self._odds = "", list[Odds]()
        self._decoder = model.vocabulary.decoder()

    def reading(self, ids: NDArray[np.int64], seed: int) -> Reading:
        """The prompt that is to be read first; without one, what a model of such a text begins a line from."""
        self._echo = self._model.vocabulary.decode(ids) if self._asked.echo else ""
        judges = self._asked.echo and self._asked.alternatives is not None and len(ids) > 0
        whole = ids if len(ids) else np.array([opening(self._model.vocabulary)], np.int64)

        def then(place: Place) -> None:
            self.begin(StreamState(place.layers, place.logits, seed))

        return Reading(self._ticket, whole, then, watch=self._judge if judges else None)

    def begin(self, state: StreamState) -> None:
        """Write on from there."""
        asked, model = self._asked, self._model
        wanted = Wanted(asked.length, asked.sampling, asked.stop, asked.alternatives, asked.hands_out, asked.stream)
        for number in range(asked.n):
            beginning = state.reseeded(state.seed + number) if number else state
            row = Row(self._ticket, self._first + number, wanted, model.vocabulary, beginning)
            piece = row.opened(self._echo, tuple(self._odds))
            if piece is not None:
                self._outbox.put(self._ticket, piece, len(piece.text))
            if not row.finished:
                model.writer.rows.append(row)

    def _judge(self, ids: NDArray[np.int64], at: int, expected: Floats, hidden: Floats) -> None:
        """How probable the prompt's own symbols were; nothing predicts the first."""
        del hidden
        first = at == 0
        told = [Odds("", int(ids[0]), None, ())] if first else []
        told += odds_of(ids[first:], expected[first:], self._asked.alternatives or 0)
        self._odds += [
            odds._replace(text=self._decoder.decode(ids[place : place + 1])) for place, odds in enumerate(told)
        ]
