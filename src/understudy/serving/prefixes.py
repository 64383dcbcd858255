"""States after texts that were read before, so that only what is new of a text is read."""

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.generation.sampling import Floats

BLOCK = 256
"""So many symbols are read at once, and after each such block the state is kept."""
_SYMBOL = np.dtype(np.uint32)
_Key = tuple[bytes, bytes]


class Place(NamedTuple):
    """Where a stream stands.

    Attributes:
        logits: what is expected next, (V,).
        layers: the recurrent state, (H,) each.
    """

    logits: Floats
    layers: tuple[Floats, ...]

    @property
    def bytes(self) -> int:
        """How much it takes."""
        return self.logits.nbytes + sum(part.nbytes for part in self.layers)


class Prefixes:
    """The places after texts, the least recently used of which go when there is no room.

    A text is found by the digests of its whole blocks, each of which is made of the one before, and by what follows
    the last of them as it is.
    """

    def __init__(self, room: int) -> None:
        """Take how many bytes there are for the places; with none, nothing is kept."""
        self._room, self.taken = room, 0
        self._places: OrderedDict[_Key, Place] = OrderedDict()
        self._ends: dict[bytes, set[bytes]] = {}

    def of(self, ids: NDArray[np.int64]) -> "Trail":
        """The places on the way through a text, (N,)."""
        return Trail(self, ids)

    def longest(self, name: bytes, rest: bytes) -> tuple[int, Place] | None:
        """The longest known end of what follows the blocks of that name, in symbols, and the place after it."""
        ends = [end for end in self._ends.get(name, ()) if rest.startswith(end)]
        if not ends:
            return None
        end = max(ends, key=len)
        self._places.move_to_end((name, end))
        return len(end) // _SYMBOL.itemsize, self._places[name, end]

    def keep(self, name: bytes, end: bytes, place: Place) -> None:
        """Keep a place, and let others go that were not of use for longer."""
        if (name, end) in self._places or place.bytes > self._room:
            return
        self._places[name, end] = place
        self._ends.setdefault(name, set()).add(end)
        self.taken += place.bytes
        while self.taken > self._room:
            (old, rest), gone = self._places.popitem(last=False)
            self.taken -= gone.bytes
            self._ends[old].discard(rest)
            if not self._ends[old]:
                del self._ends[old]


class Trail:
    """The places on the way through one text."""

    def __init__(self, prefixes: Prefixes, ids: NDArray[np.int64]) -> None:
        self._prefixes, self._symbols = prefixes, ids.astype(_SYMBOL)
        self._names = [b""]
        """The names of the text's first 0, 1, 2, ... whole blocks."""
        for begin in range(0, len(ids) - BLOCK + 1, BLOCK):
            block = self._symbols[begin : begin + BLOCK].tobytes()
            self._names.append(hashlib.blake2b(self._names[-1] + block, digest_size=16).digest())

    def known(self, most: int) -> tuple[int, Place | None]:
        """How many of the first ids, at most so many, were read before, and the place after them."""
        for blocks in range(min(len(self._names) - 1, most // BLOCK), -1, -1):
            rest = self._symbols[blocks * BLOCK : min(most, (blocks + 1) * BLOCK)].tobytes()
            found = self._prefixes.longest(self._names[blocks], rest)
            if found is not None:
                return blocks * BLOCK + found[0], found[1]
        return 0, None

    def keep(self, count: int, place: Place) -> None:
        """Keep the place after the first `count` ids."""
        blocks = count // BLOCK
        self._prefixes.keep(self._names[blocks], self._symbols[blocks * BLOCK : count].tobytes(), place)
