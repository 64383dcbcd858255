"""Streams: the loop that draws a symbol, steps the engine and draws again, for one text or many side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.generation.engine import Engine, Floats, read
from understudy.generation.sampling import Sampling, check_seed, uniforms
from understudy.generation.stopping import StopWatch
from understudy.text.vocabulary import Vocabulary

FinishReason = Literal["length", "stop"]
_UNIFORMS_AT_ONCE = 256


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
        """Check every field.

        Raises:
            ConfigError: the length is negative, or a stop text is empty.
        """
        if self.length < 0:
            raise ConfigError(f"--length {self.length}: expected a whole number from 0")
        if "" in self.stop:
            raise ConfigError("--stop '': expected at least one character")


class Piece(NamedTuple):
    """Some more text of one of the streams."""

    stream: int
    text: str


def start(engine: Engine, vocabulary: Vocabulary, prompt_ids: NDArray[np.int64], seed: int) -> StreamState:
    """The state after the prompt; without one, the state from which the model starts a line of its text."""
    check_seed(seed)
    ids = prompt_ids if len(prompt_ids) else np.array([vocabulary.opening()])
    logits, state = read(engine, ids)
    return StreamState(tuple(part[0] for part in state), logits[0], seed)


class Writing:
    """Streams under way. Iterate over it for the pieces of text as they come.

    A stream's text does not depend on the streams beside it, nor on how the pieces are taken.
    """

    def __init__(self, engine: Engine, vocabulary: Vocabulary, states: Sequence[StreamState], plan: Plan) -> None:
        self._engine = engine
        self._vocabulary = vocabulary
        self._plan = plan
        self._states = list(states)
        self.texts = ["" for _ in states]
        self.finish_reasons: list[FinishReason | None] = [None for _ in states]

    @property
    def states(self) -> list[StreamState]:
        """Where each stream is now."""
        return list(self._states)

    def __iter__(self) -> Iterator[Piece]:
        plan, states = self._plan, self._states
        watches = [StopWatch(plan.stop) for _ in states]
        decoders = [self._vocabulary.decoder() for _ in states]
        for decoder, state in zip(decoders, states, strict=True):
            decoder.decode(np.array(state.pending, np.int64))
        active = list(range(len(states)))
        layers = tuple(np.stack([s.layers[k] for s in states]) for k in range(len(states[0].layers)))
        logits = np.stack([state.logits for state in states])
        for place in range(plan.length):
            if place % _UNIFORMS_AT_ONCE == 0:
                chances = np.stack([uniforms(states[s].seed, states[s].drawn, _UNIFORMS_AT_ONCE) for s in active])
            ids = plan.sampling.draw(logits, chances[:, place % _UNIFORMS_AT_ONCE])
            logits, layers = self._engine.step(ids, layers)
            for row, stream in enumerate(active):
                text = decoders[stream].decode(ids[row : row + 1])
                states[stream] = StreamState(
                    tuple(part[row] for part in layers),
                    logits[row],
                    states[stream].seed,
                    states[stream].drawn + 1,
                    decoders[stream].pending,
                )
                if shown := watches[stream].feed(text):
                    self.texts[stream] += shown
                    yield Piece(stream, shown)
            going = [row for row, stream in enumerate(active) if not watches[stream].stopped]
            if len(going) < len(active):
                for stream in active:
                    if watches[stream].stopped:
                        self.finish_reasons[stream] = "stop"
                active = [active[row] for row in going]
                if not active:
                    return
                layers, logits = tuple(part[going] for part in layers), logits[going]
                chances = chances[going]
        for stream in active:
            self.finish_reasons[stream] = "length"
            if shown := watches[stream].finish():
                self.texts[stream] += shown
                yield Piece(stream, shown)


def write(engine: Engine, vocabulary: Vocabulary, states: Sequence[StreamState], plan: Plan) -> Writing:
    """Run all streams to their ends."""
    writing = Writing(engine, vocabulary, states, plan)
    for _ in writing:
        pass
    return writing
