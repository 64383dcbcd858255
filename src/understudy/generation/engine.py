"""What generation asks of whatever computes the steps.

No engine keeps a stream's state: it goes in and comes out as a value of constant size, so that a stream can be
kept, copied, forked and rewound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from understudy.generation.forbidden import Forbidden
from understudy.generation.sampling import Floats, Sampling

EngineState = tuple[Floats, ...]
"""All layers' states side by side, (B, H) each: h of every layer for a GRU; h, c of every layer for an LSTM. Where the
model has n-grams, the last characters come after them, (B, RECENT)."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What is to be kept of every step: each array is filled, None is not asked for.

    Attributes:
        logits: (T, B, V), what the model expects after each symbol.
        hidden: (T, L, B, H), every layer's h after each symbol.
    """

    logits: Floats | None = None
    hidden: Floats | None = None

    def keep(self, t: int, logits: Floats, hidden: Sequence[Floats]) -> None:
        """Keep what came of symbol t: logits (B, V) and every layer's h (B, H)."""
        if self.logits is not None:
            self.logits[t] = logits
        if self.hidden is not None:
            self.hidden[t] = hidden


def by_stream(sampling: Sampling | Sequence[Sampling], streams: int) -> list[Sampling]:
    """A setting for each of the streams, where one was given for all, or one for each."""
    if isinstance(sampling, Sampling):
        return [sampling] * streams
    assert len(sampling) == streams, "there is a setting for each stream"
    return list(sampling)


class Engine(Protocol):
    """Steps B streams at once. A stream's results do not depend on the streams beside it, to the last bit."""

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Draw and step in turn, once for each row of the uniform numbers (T, B): ids (T, B), logits, state.

        There is one setting for all streams, or one for each.
        """


class HoldingEngine(Engine, Protocol):
    """An engine that can be held from writing some runs of symbols."""

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
        *,
        forbidden: Forbidden | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Engine.write`; no run of `forbidden` is completed.

        Raises:
            ConfigError: whatever symbol is drawn completes a forbidden run.
        """
