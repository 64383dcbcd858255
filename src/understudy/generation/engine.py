"""What generation asks of whatever computes the steps.

No engine keeps a stream's state: it goes in and comes out as a value of constant size, so that a stream can be
kept, copied, forked and rewound.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
EngineState = tuple[Floats, ...]
"""All layers' states side by side, (B, H) each: h of every layer for a GRU; h, c of every layer for an LSTM."""


class Engine(Protocol):
    """Steps B streams at once. A stream's logits do not depend on the streams beside it, to the last bit."""

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""

    def step(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (B,) and the state before them give logits (B, V) and the state after them."""


def read(engine: Engine, ids: NDArray[np.integer[Any]]) -> tuple[Floats, EngineState]:
    """Run one stream through `ids` (T,), T ≥ 1, from the zero state: logits (1, V) and state after the last."""
    state = engine.zero_state(1)
    for place in range(len(ids)):
        logits, state = engine.step(ids[place : place + 1], state)
    return logits, state
