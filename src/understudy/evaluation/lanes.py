"""How a text is cut for a streamed pass: a few lanes that are read side by side, each from the zero state."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

STREAMS = 10
_FEWEST_A_STREAM = 1000


class Lanes(NamedTuple):
    """Lanes of a text, which together predict all of it but its first symbol.

    Attributes:
        starts: the place of the first symbol that each lane reads, (B,).
        length: how many symbols each predicts.
        tail: how many more the last one predicts: what the division left over.
    """

    starts: NDArray[np.int64]
    length: int
    tail: int


def lanes(predicted: int, streams: int | None = None) -> Lanes:
    """The lanes for so many symbols to predict: ten, or fewer where there are not a thousand for each."""
    streams = streams or max(1, min(STREAMS, predicted // _FEWEST_A_STREAM))
    length, tail = divmod(predicted, streams)
    return Lanes(np.arange(streams, dtype=np.int64) * length, length, tail)
