"""Streams: the loop that draws a symbol, steps the engine and draws again, for one text or many side by side."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy import checks
from understudy.errors import ConfigError
from understudy.generation.engine import Engine, EngineState
from understudy.generation.sampling import Floats, Sampling, check_seed, uniforms
from understudy.generation.shown import FinishReason as FinishReason
from understudy.generation.shown import Shown
from understudy.text.vocabulary import Vocabulary, opening

_FIRST_CHUNK, _LARGEST_CHUNK = 16, 256
"""Characters between two looks at what was written: few at first, so that the first are shown at once."""
_TOGETHER = 1 << 21
"""Streams times symbols that an engine is given at once: what a step takes beside the weights grows with them."""


@dataclass(frozen=True, eq=False)
class StreamState:
    """Everything that a stream's future depends on, as a value: keep it, fork it, come back to it.

    Attributes:
        layers: the recurrent state, (H,) each, in the order of `EngineState`.
        logits: what the model expects next, (V,).
        seed: which sequence of random numbers the stream draws from.
        drawn: how many of them it has used.
        pending: ids drawn but not yet shown: the bytes of an unfinished character.
    """

    layers: tuple[Floats, ...]
    logits: Floats
    seed: int
    drawn: int = 0
    pending: tuple[int, ...] = ()

    def reseeded(self, seed: int) -> "StreamState":
        """The same place in the text with another future."""
        return replace(self, seed=check_seed(seed), drawn=0)


@dataclass(frozen=True)
class Plan:
    """What is asked of all streams of one call.

    Attributes:
        length: how many symbols (characters, or bytes for a model of bytes).
        sampling: how each is chosen.
        stop: texts that end a stream; they are not part of its text.
    """

    length: int = 500
    sampling: Sampling = field(default_factory=Sampling)
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every field; a stop text alone is one.

        Raises:
            ConfigError: a field is of the wrong type, the length is negative, or a stop text is empty.
        """
        object.__setattr__(self, "length", checks.whole("--length", self.length, 0))
        object.__setattr__(self, "stop", checks.texts("--stop", self.stop))
        if not isinstance(self.sampling, Sampling):
            raise ConfigError(f"sampling {checks.shown(self.sampling)}: expected a Sampling")


class Piece(NamedTuple):
    """Some more text of one of the streams."""

    stream: int
    text: str


def start(engine: Engine, vocabulary: Vocabulary, prompt_ids: NDArray[np.int64], seed: int) -> StreamState:
    """The state after the prompt; without one, the state from which the model starts a line of its text."""
    check_seed(seed)
    ids = prompt_ids if len(prompt_ids) else np.array([opening(vocabulary)], np.int64)
    logits, state = engine.read(ids[:, None], engine.zero_state(1))
    return StreamState(tuple(part[0] for part in state), logits[0], seed)


class Writing:
    """Streams under way. Iterate over it for the pieces of text as they come.

    A stream's text does not depend on the streams beside it, nor on how the pieces are taken. So the streams of a large
    vocabulary go on in groups, in memory that does not grow with their number but for their states. Where they stand is
    kept here and not in the iterator: a second one goes on where the first was left, a deep copy's too.
    """

    def __init__(self, engine: Engine, vocabulary: Vocabulary, states: Sequence[StreamState], plan: Plan) -> None:
        self._engine = engine
        self._plan = plan
        self._group = max(1, _TOGETHER // len(vocabulary))
        self._streams = [_Stream(vocabulary, state, plan.stop) for state in states]
        self._left, self._size = plan.length, _FIRST_CHUNK
        self._turn: list[list[int]] = []
        self._written: deque[Piece] = deque()

    @property
    def texts(self) -> list[str]:
        """What each stream has written so far."""
        return ["".join(stream.shown.pieces) for stream in self._streams]

    @property
    def data(self) -> list[bytes]:
        """The bytes that each stream has written so far, stop texts left out: those drawn, in a model of bytes.

        There they may be no UTF-8, and the last of them the beginning of a character that is not among `texts` yet. For
        a model of characters they are its text in UTF-8.
        """
        return [stream.shown.data for stream in self._streams]

    @property
    def states(self) -> list[StreamState]:
        """Where each stream is now."""
        return [stream.state for stream in self._streams]

    @property
    def finish_reasons(self) -> list[FinishReason | None]:
        """Why each stream ended; None while it goes on."""
        return [stream.shown.finish_reason for stream in self._streams]

    def __iter__(self) -> Iterator[Piece]:
        while True:
            while self._written:
                yield self._written.popleft()
            if not self._turn:
                going = [place for place, stream in enumerate(self._streams) if stream.shown.finish_reason is None]
                if not going:
                    return
                self._size = min(self._size, self._left)
                self._left -= self._size
                self._turn = [going[first : first + self._group] for first in range(0, len(going), self._group)]
            self._go_on(self._turn[0])
            if not self._turn[1:]:
                self._size = min(2 * self._size, _LARGEST_CHUNK)
            self._turn = self._turn[1:]

    def _go_on(self, group: list[int]) -> None:
        """Take a group of streams further; where nothing is left to write, to their ends."""
        texts = (
            self._write(group, self._size) if self._size else [self._streams[stream].shown.finish() for stream in group]
        )
        self._written += [Piece(stream, text) for stream, text in zip(group, texts, strict=True) if text]

    def _write(self, going: list[int], size: int) -> list[str]:
        """Take the streams `size` symbols further, or to their stop texts; what each has to show."""
        streams = [self._streams[stream] for stream in going]
        before = [stream.state for stream in streams]
        chances = np.stack([uniforms(state.seed, state.drawn, size) for state in before], 1)
        ids, logits, layers = self._engine.write(*side_by_side(before), chances, self._plan.sampling)
        shown = []
        for row, stream in enumerate(streams):
            text, taken = stream.shown.take(ids[:, row])
            shown.append(text)
            if taken == size:
                stream.move_to(state_in(layers, logits, row), taken)
            else:  # it stopped on the way: go there again, alone, to see where it stands
                _, there, parts = self._engine.write(
                    *side_by_side(before[row : row + 1]), chances[:taken, row : row + 1], self._plan.sampling
                )
                stream.move_to(state_in(parts, there, 0), taken)
        return shown


class _Stream:
    """One of the streams: where it stands, and the text that it has shown."""

    def __init__(self, vocabulary: Vocabulary, state: StreamState, stops: Sequence[str]) -> None:
        self.state = state
        self.shown = Shown(vocabulary, stops, state.pending)

    def move_to(self, place: tuple[tuple[Floats, ...], Floats], taken: int) -> None:
        """The stream now stands there, `taken` symbols on."""
        self.state = StreamState(*place, self.state.seed, self.state.drawn + taken, self.shown.pending)


def side_by_side(states: Sequence[StreamState]) -> tuple[Floats, EngineState]:
    """Logits (B, V) and state of streams that go on together."""
    logits = np.stack([state.logits for state in states])
    return logits, tuple(np.stack(parts) for parts in zip(*(state.layers for state in states), strict=True))


def state_in(layers: EngineState, logits: Floats, row: int) -> tuple[tuple[Floats, ...], Floats]:
    """One stream's part of what the engine gave, for itself: a state that is kept does not keep the others'."""
    return tuple(part[row].copy() for part in layers), logits[row].copy()


def write(engine: Engine, vocabulary: Vocabulary, states: Sequence[StreamState], plan: Plan) -> Writing:
    """Run all streams to their ends."""
    writing = Writing(engine, vocabulary, states, plan)
    for _ in writing:
        pass
    return writing
