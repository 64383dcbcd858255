"""One text under way: where it stands, what it draws, and the pieces of it that a client gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState
from understudy.generation.sampling import Floats, Sampling, uniforms
from understudy.generation.shown import FinishReason, Shown
from understudy.generation.stream import StreamState
from understudy.seeing.scoring import surprise_in
from understudy.serving.prefixes import Place
from understudy.serving.tickets import Ticket
from understudy.text.vocabulary import Vocabulary

_CHANCES = 1024
"""So many random numbers are made at once."""


class Odds(NamedTuple):
    """How probable one symbol was.

    Attributes:
        text: what it adds to the text: nothing, where it is a byte and others are needed for a character.
        symbol: which it was.
        nats: how surprising it was; None for what begins a text, which nothing predicts.
        likeliest: the likeliest symbols there, with their probabilities.
    """

    text: str
    symbol: int
    nats: float | None
    likeliest: tuple[tuple[int, float], ...]


class Piece(NamedTuple):
    """Some more of one of a request's texts.

    Attributes:
        number: which of them.
        text: what comes next in it.
        odds: of its symbols, in order, where they were asked for; their texts together are `text`.
        finish_reason: why it ended, with its last piece.
        drawn: symbols drawn so far.
        state: where it stands, with its last piece, where that was asked for.
    """

    number: int
    text: str
    odds: tuple[Odds, ...] = ()
    finish_reason: FinishReason | None = None
    drawn: int = 0
    state: StreamState | None = None


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a text; see `asked.Asked`."""

    length: int
    sampling: Sampling
    stop: tuple[str, ...]
    alternatives: int | None
    hands_out: bool
    streamed: bool


class Row:
    """One text of a request.

    Attributes:
        ticket: the request.
        fresh: whether nothing of it has been written.
        due: when its next piece is to be sent, where it is streamed.
    """

    def __init__(
        self, ticket: Ticket, number: int, wanted: Wanted, vocabulary: Vocabulary, beginning: StreamState
    ) -> None:
        """Take the request, which of its texts this is, what is wanted of it, and where it begins."""
        self.ticket, self.number, self.wanted = ticket, number, wanted
        self._stands: tuple[Floats, EngineState, int] | Place = Place(beginning.logits, beginning.layers)
        self.seed, self.drawn, self.fresh, self.due = beginning.seed, beginning.drawn, True, 0.0
        self._chances = np.zeros(0, np.float64)
        self._left, self._first = wanted.length, beginning.drawn
        self._shown = Shown(vocabulary, wanted.stop, beginning.pending, counts=self.judged)
        self._odds: list[tuple[int, Odds]] = []
        self._text, self._held, self._seen = "", "", 0

    @property
    def place(self) -> Place:
        """Where the text stands."""
        if isinstance(self._stands, Place):
            return self._stands
        logits, layers, row = self._stands
        return Place(logits[row], tuple(part[row] for part in layers))

    def chances(self, steps: int) -> NDArray[np.float64]:
        """The random numbers of the next steps, (T,)."""
        if len(self._chances) < steps:
            self._chances = uniforms(self.seed, self.drawn, max(steps, _CHANCES))
        return self._chances[:steps]

    @property
    def judged(self) -> bool:
        """Whether it is told how probable its symbols were."""
        return self.wanted.alternatives is not None

    def opened(self, text: str, odds: tuple[Odds, ...]) -> Piece | None:
        """The piece that comes before anything is written: the prompt, where it is echoed, or all there is to be."""
        if self._left:
            return Piece(self.number, text, odds) if text else None
        state = self._state(self.place) if self.wanted.hands_out else None
        return Piece(self.number, text + self._shown.finish(), odds, "length", 0, state)

    def take(self, ids: NDArray[np.int64], expected: Floats | None) -> int:
        """Take in drawn ids (T,), where logits (T, V) were expected if that is told; how many belong to the text."""
        ids = ids[: self._left]
        text, taken = self._shown.take(ids)
        self._text += text
        self.fresh = False
        self._left -= taken
        if expected is not None:
            self._judge(ids[:taken], expected[:taken])
        if not self._left and not self.finished:
            self._text += self._shown.finish()
        return taken

    @property
    def left(self) -> int:
        """How many symbols are still to come at most."""
        return self._left

    @property
    def streamed(self) -> bool:
        """Whether its pieces are sent as they come, and wait where the client does not take them."""
        return self.wanted.streamed

    @property
    def finished(self) -> bool:
        """Whether the text has its end."""
        return self._shown.finish_reason is not None

    def move_to(self, logits: Floats, layers: EngineState, row: int, taken: int) -> None:
        """The text stands there now, so many symbols on: in a row of what the engine gave."""
        self._stands, self.drawn, self._chances = (logits, layers, row), self.drawn + taken, self._chances[taken:]

    def piece(self) -> Piece | None:
        """What there is to be sent of what was taken in since the last piece."""
        text, self._text = self._text, ""
        text, odds = (text, ()) if not self.judged else self._told(text)
        if not self.finished:
            return Piece(self.number, text, odds, None, self.drawn - self._first) if text or odds else None
        state = self._state(self.place) if self.wanted.hands_out else None
        return Piece(self.number, text, odds, self._shown.finish_reason, self.drawn - self._first, state)

    def _judge(self, ids: NDArray[np.int64], expected: Floats) -> None:
        ends = self._shown.ends[len(self._shown.ends) - len(ids) :]
        for end, odds in zip(ends, odds_of(ids, expected, self.wanted.alternatives or 0), strict=True):
            self._odds.append((end, odds))

    def _told(self, text: str) -> tuple[str, tuple[Odds, ...]]:
        """The text that whole symbols make, and their odds; at the end all of it."""
        text = self._held + text
        upto = self._seen + len(text)
        ready = sum(end <= upto for end, _ in self._odds)
        told, begin = [], self._seen
        for end, odds in self._odds[:ready]:
            told.append(odds._replace(text=text[begin - self._seen : end - self._seen]))
            begin = end
        self._odds = self._odds[ready:]
        cut = len(text) if self.finished else begin - self._seen
        self._held, text, self._seen = text[cut:], text[:cut], self._seen + cut
        return text, tuple(told)

    def _state(self, place: Place) -> StreamState:
        layers = tuple(part.copy() for part in place.layers)
        return StreamState(layers, place.logits.copy(), self.seed, self.drawn, self._shown.pending)


def odds_of(ids: NDArray[np.int64], expected: Floats, alternatives: int) -> list[Odds]:
    """How probable symbols (N,) were, where logits (N, V) were expected; without their texts."""
    alternatives = min(alternatives, expected.shape[1])
    nats, likeliest = surprise_in(np.array(expected, np.float32, order="C"), ids, alternatives)
    best: Sequence[tuple[tuple[int, float], ...]] = [()] * len(ids)
    if likeliest is not None:
        both: list[Any] = list(zip(likeliest.ids.tolist(), likeliest.probabilities.tolist(), strict=True))
        best = [tuple(zip(*pair, strict=True)) for pair in both]
    return [Odds("", *each) for each in zip(ids.tolist(), nats.tolist(), best, strict=True)]
