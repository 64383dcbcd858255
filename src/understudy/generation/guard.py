"""An engine that never writes so many symbols in a row as they stand in a given text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, HoldingEngine
from understudy.generation.forbidden import NONE, Forbidden
from understudy.generation.sampling import Floats, Sampling
from understudy.text.grams import Grams


class GuardedEngine:
    """Writes as the engine that it is given, without the runs that it is given.

    A state has one part more: the last symbols, (B, length - 1), NONE where there were not so many.
    """

    def __init__(self, engine: HoldingEngine, grams: Grams) -> None:
        """Take the engine, and the runs that it is not to write."""
        self._engine, self._grams = engine, grams

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        return (*self._engine.zero_state(streams), np.full((streams, self._grams.length - 1), NONE, np.float32))

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        logits, after = self._engine.read(ids, state[:-1])
        return logits, (*after, _followed(state[-1], ids))

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Draw and step in turn, once for each row of the uniform numbers (T, B): ids (T, B), logits, state.

        Raises:
            ConfigError: whatever symbol is drawn completes a copied run.
        """
        runs = Forbidden(self._grams, np.ascontiguousarray(state[-1].T.astype(np.int64)))
        ids, logits, after = self._engine.write(logits, state[:-1], uniforms, sampling, forbidden=runs)
        return ids, logits, (*after, _followed(state[-1], ids))


def _followed(recent: Floats, ids: NDArray[np.integer[Any]]) -> Floats:
    """The last symbols (B, K) when ids (T, B) have come after them."""
    rows = np.concatenate([recent, ids.T.astype(np.float32)], 1)
    return rows[:, rows.shape[1] - recent.shape[1] :]
