"""What a model writes, as a program gets it: a text that is done, a text under way, and a state to go on from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from understudy import checks
from understudy.errors import ConfigError
from understudy.generation.sampling import check_seed
from understudy.generation.stream import FinishReason, StreamState, Writing
from understudy.model.config import ModelConfig


@dataclass(frozen=True)
class Sample:
    """One text that a model wrote.

    Attributes:
        text: without the prompt.
        prompt: what it was started with; "" where that was a state.
        seed: gives the same text again, with the same prompt (or state) and the same settings.
        finish_reason: "length", or "stop" where a stop text came.
        state: where the stream stands, to go on from.
        data: the text as bytes: those that were drawn, which need not be UTF-8, in a model of bytes.
    """

    text: str
    prompt: str
    seed: int
    finish_reason: FinishReason
    state: StreamState
    data: bytes


class Stream:
    """A text under way: iterate over it for the pieces as they are written."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._pieces = iter(writing)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces).text

    @property
    def text(self) -> str:
        """What has been written so far, without the prompt."""
        return self._writing.texts[0]

    @property
    def data(self) -> bytes:
        """The same as bytes: those that were drawn, which need not be UTF-8, in a model of bytes."""
        return self._writing.data[0]

    @property
    def state(self) -> StreamState:
        """Where the stream stands now: a value, to keep, to fork, or to go on from."""
        return self._writing.states[0]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the stream ended; None while it goes on."""
        return self._writing.finish_reasons[0]


def check_state(state: StreamState, config: ModelConfig) -> StreamState:
    """The state, if a model of that shape can go on from it.

    Raises:
        ConfigError: it is no state, it is another model's, or its numbers are not what they must be.
    """
    if not isinstance(state, StreamState):
        raise ConfigError(f"--start {checks.shown(state)}: expected a state to go on from")
    widths = [width for part in config.state_widths for width in part]
    parts = [np.asarray(part) for part in state.layers]
    found, symbols = [part.shape for part in parts], np.shape(state.logits)
    if found != [(width,) for width in widths] or symbols != (config.vocabulary,):
        raise ConfigError(
            f"--start: a state of widths {checks.shown(found)} with {checks.shown(symbols)} logits, expected one of "
            f"this model, of widths {checks.shown(widths)} with {config.vocabulary} logits; a state serves the model "
            f"that made it"
        )
    if any(part.dtype != np.float32 for part in (*parts, np.asarray(state.logits))):
        raise ConfigError("--start: a state whose numbers are not float32; expected one that a model made")
    check_seed(state.seed)
    checks.whole("--start: numbers drawn", state.drawn, 0)
    for symbol in state.pending:
        checks.whole("--start: a pending symbol", symbol, 0, config.vocabulary - 1)
    return state
