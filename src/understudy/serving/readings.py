"""A text that is to be read: a slice at a time, from the last place of it that is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from understudy.generation.sampling import Floats
from understudy.serving.prefixes import BLOCK, Place, Prefixes
from understudy.serving.tickets import Ticket

Watch = Callable[[NDArray[np.int64], int, Floats, Floats], None]
"""Gets ids of a slice (T,), the place of the first in the text, the logits (T, V) that expected them, and every layer's
h after each, (T, L, H), where that is asked for (else nothing, (0,))."""


class Reading:
    """Symbols that are to be read for a request.

    Attributes:
        ticket: the request.
        place: where the reading stands; None before anything was read.
        hidden: whether every layer's h is to be watched.
    """

    def __init__(
        self,
        ticket: Ticket,
        ids: NDArray[np.int64],
        then: Callable[[Place], None],
        *,
        watch: Watch | None = None,
        since: int = 0,
        hidden: bool = False,
    ) -> None:
        """Take the request and its symbols, one at least.

        Args:
            ticket: the request.
            ids: what is to be read, (N,).
            then: gets the place after the last of them.
            watch: gets what the engine made of each slice, the last parts of which are from `since` on.
            since: what comes before that symbol need not be watched.
            hidden: whether every layer's h is to be watched.
        """
        self.ticket, self.ids, self.hidden = ticket, ids, hidden
        self.place: Place | None = None
        self._then, self._watch, self._since, self._at = then, watch, since, 0

    def begin(self, prefixes: Prefixes) -> None:
        """Go to the last place that is known."""
        self._trail = prefixes.of(self.ids)
        # The last symbol is read in any case where its own logits or activations are watched.
        most = len(self.ids) if self._watch is None else min(self._since, len(self.ids) - 1)
        self._at, self.place = self._trail.known(most)

    @property
    def done(self) -> bool:
        """Whether all of it is read."""
        return self._at == len(self.ids)

    @property
    def watched(self) -> bool:
        """Whether the logits of every step are wanted of the next slice."""
        return self._watch is not None

    def slice(self) -> NDArray[np.int64]:
        """What is to be read next, (T,): it ends where a block does."""
        return self.ids[self._at : min(len(self.ids), (self._at // BLOCK + 1) * BLOCK)]

    def read(self, place: Place, logits: Floats | None, hidden: Floats | None) -> None:
        """The slice was read: where that leads, and what was expected after each symbol, (T, V), where it is wanted."""
        ids = self.slice()
        if self._watch is not None:
            assert logits is not None, "every step is watched"
            first = self.place.logits if self.place is not None else np.full(logits.shape[1], np.nan, np.float32)
            expected = np.concatenate([first[None], logits[:-1]])
            self._watch(ids, self._at, expected, np.zeros(0, np.float32) if hidden is None else hidden)
        self._at, self.place = self._at + len(ids), place
        self._trail.keep(self._at, place)

    def end(self) -> None:
        """All of it is read."""
        assert self.place is not None, "there was something to read"
        self._then(self.place)
