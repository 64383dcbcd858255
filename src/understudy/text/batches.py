"""Ids -> batches for training: contiguous lanes, or the tutorial's shuffled chunks.

Both are pure functions of (ids, settings, step): batch number `step` can be asked for directly, in constant
memory, so that a run resumes at any batch without replaying the ones before it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from understudy.errors import TextError
from understudy.text.encoded import Ids

Carry = Literal["zero", "keep", "shift"]
ALL = slice(None)


class Batch(NamedTuple):
    """What one step of training reads.

    Attributes:
        inputs: ids (T, B), or of those lanes that are asked for.
        targets: ids of that shape, each the successor of the input at its place.
        carry: what the recurrent state that the last batch left becomes before this one: "zero" (start afresh),
            "keep", or "shift" (lane b takes over the state of lane b - 1, whose text ended where b's begins;
            lane 0 starts from zero).
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    carry: Carry


class Batches(Protocol):
    """An endless sequence of batches, by number."""

    @property
    def per_epoch(self) -> int:
        """How many batches make one pass over the text."""

    @property
    def characters_per_epoch(self) -> int:
        """How many targets one pass has."""

    def __getitem__(self, step: int) -> Batch:
        """Batch number `step`, counted from 0 over all epochs."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """Contiguous lanes: the text is cut into B equal lanes that are read side by side, T characters a step.

    The state carried from step to step then belongs to the text before it, which is what truncated
    backpropagation through time asks for (Williams and Peng, 1990); at the end of an epoch it shifts by one
    lane for the same reason. The steps of an epoch differ in length by at most one, so that no lane has a tail.

    Attributes:
        ids: the text.
        lanes: B.
        length: T, at most.
        part: which of the lanes are given: those of one rank.
    """

    ids: Ids
    lanes: int
    length: int
    part: slice = field(default_factory=lambda: ALL)

    def __post_init__(self) -> None:
        if len(self.ids) - 1 < self.lanes * self.length:
            needed = f"{self.lanes} lanes of at least one sequence of {self.length} need"
            if self.lanes == 1:
                needed = f"1 lane of at least one sequence of {self.length} needs"
            raise TextError(
                f"the training text has {len(self.ids):,} characters; {needed} {self.lanes * self.length + 1:,}; "
                f"give more text, or lower --batch-size or --sequence-length"
            )

    @property
    def _lane(self) -> int:
        return (len(self.ids) - 1) // self.lanes

    @property
    def per_epoch(self) -> int:
        """Steps to the end of the lanes."""
        return -(-self._lane // self.length)

    @property
    def characters_per_epoch(self) -> int:
        """Targets in all lanes."""
        return self._lane * self.lanes

    def __getitem__(self, step: int) -> Batch:
        """Batch number `step`: T is at most `length`, and differs by at most one within an epoch."""
        epoch, place = divmod(step, self.per_epoch)
        begin = self._lane * place // self.per_epoch
        end = self._lane * (place + 1) // self.per_epoch
        starts = np.arange(self.lanes, dtype=np.int64)[self.part] * self._lane
        block = self.ids.gather(starts + begin, end - begin + 1)
        carry: Carry = "keep" if place else ("shift" if epoch else "zero")
        return Batch(block[:-1], block[1:], carry)


@dataclass(frozen=True, eq=False)
class ShuffledChunks:
    """The tutorial's batches: chunks of T + 1 characters in a random order that is new in each epoch.

    The remainder of the text and of the chunks is dropped, and the state, carried from batch to batch although
    it belongs to other text, starts from zero in each epoch. Where the tutorial shuffles in a buffer of 10,000
    chunks, the order here is a permutation of all of them, computed place by place, which needs no memory.

    Attributes:
        ids: the text.
        batch_size: B.
        length: T.
        seed: of the order.
        part: which chunks of a batch are given: those of one rank.
    """

    ids: Ids
    batch_size: int
    length: int
    seed: int
    part: slice = field(default_factory=lambda: ALL)

    def __post_init__(self) -> None:
        if self._chunks < self.batch_size:
            raise TextError(
                f"the training text has {len(self.ids):,} characters, which make {self._chunks} chunks of "
                f"{self.length + 1}; one batch takes {self.batch_size}; give more text, or lower --batch-size or "
                f"--sequence-length"
            )

    @property
    def _chunks(self) -> int:
        return len(self.ids) // (self.length + 1)

    @property
    def per_epoch(self) -> int:
        """Whole batches in the text."""
        return self._chunks // self.batch_size

    @property
    def characters_per_epoch(self) -> int:
        """Targets in all whole batches."""
        return self.per_epoch * self.batch_size * self.length

    def __getitem__(self, step: int) -> Batch:
        """Batch number `step`."""
        epoch, place = divmod(step, self.per_epoch)
        places = np.arange(place * self.batch_size, (place + 1) * self.batch_size, dtype=np.int64)[self.part]
        chunks = permuted(places, self._chunks, np.random.SeedSequence((self.seed, epoch)))
        block = self.ids.gather(chunks * (self.length + 1), self.length + 1)
        return Batch(block[:-1], block[1:], "keep" if place else "zero")


def permuted(places: NDArray[np.integer[Any]], size: int, seed: np.random.SeedSequence) -> NDArray[np.int64]:
    """Where a random permutation of `range(size)` sends `places`, without building the permutation.

    A Feistel network of eight rounds permutes the next power of four; a place that lands outside `size` is sent
    on until it lands inside (cycle walking; Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    keys = seed.generate_state(8, np.uint64)
    out = places.astype(np.uint64)
    outside = np.ones(len(out), bool)
    while outside.any():
        left, right = out[outside] >> np.uint64(half), out[outside] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        out[outside] = (left << np.uint64(half)) | right
        outside = out >= np.uint64(size)
    return out.astype(np.int64)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
