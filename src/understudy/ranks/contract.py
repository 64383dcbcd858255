"""What a run needs of the processes that share it, and what that comes to where there is one."""

from typing import Any, Literal, Protocol

import torch
from torch import Tensor

Wish = Literal["stop", "save"]


class Shared(Protocol):
    """Ranks among which things that lie side by side are shared out."""

    def part(self, size: int) -> slice:
        """This rank's of `size` things: the ranks' parts follow each other."""

    def joined(self, part: Tensor, size: int, dim: int = 0) -> Tensor:
        """All ranks' parts of something that has `size` places along `dim`, in the order of the ranks."""


class Ranks(Shared, Protocol):
    """The processes of one run. What all take part in, all call in the same order.

    Attributes:
        rank: which of them this is.
        count: how many there are.
        near: those of them on this rank's host, where every host has as many; else this one alone.
    """

    rank: int
    count: int
    near: Shared

    @property
    def leads(self) -> bool:
        """Whether this one decides, writes and shows: rank 0 does."""

    def summed(self, parts: list[Tensor], kind: torch.dtype | None = None) -> list[Tensor]:
        """The sums over all ranks, with their wishes.

        Args:
            parts: what this one gives, all of one device; they may be changed. The last is a number ().
            kind: the type that travels, but for the last; by default the parts' own.
        """

    def from_before(self, last: Tensor) -> Tensor:
        """What the rank before this one gives here; zeros of that shape for the first."""

    def total(self, value: float) -> float:
        """The sum over all ranks, in double."""

    def led(self, value: float) -> float:
        """Rank 0's number."""

    def told(self, document: Any) -> Any:
        """Rank 0's JSON document, however long it takes to come."""

    def each(self, document: Any) -> list[Any]:
        """The JSON documents of all, however long they take."""

    def follow(self, tensors: list[Tensor]) -> None:
        """Fill all ranks' tensors with rank 0's."""

    def threads(self) -> int | None:
        """How many threads this rank should have, where others on its host share its cores; None for all it may."""

    def wish(self, what: Wish, wished: bool) -> None:
        """Ask for something that all do after the same step; the next sum carries it."""

    def granted(self, what: Wish) -> bool:
        """Whether somebody had asked for it by the last sum that was looked at."""

    def look(self) -> None:
        """Look at what the last sum brought of wishes."""


class Alone:
    """A run of one process: everything is as it is."""

    rank, count = 0, 1
    leads = True

    def __init__(self) -> None:
        self.near: Shared = self
        self._wishes: dict[Wish, bool] = {}

    def part(self, size: int) -> slice:
        """See `Ranks`."""
        return slice(0, size)

    def summed(self, parts: list[Tensor], kind: torch.dtype | None = None) -> list[Tensor]:
        """See `Ranks`."""
        return parts

    def joined(self, part: Tensor, size: int, dim: int = 0) -> Tensor:
        """See `Ranks`."""
        return part

    def from_before(self, last: Tensor) -> Tensor:
        """See `Ranks`."""
        return torch.zeros_like(last)

    def total(self, value: float) -> float:
        """See `Ranks`."""
        return value

    def led(self, value: float) -> float:
        """See `Ranks`."""
        return value

    def told(self, document: Any) -> Any:
        """See `Ranks`."""
        return document

    def each(self, document: Any) -> list[Any]:
        """See `Ranks`."""
        return [document]

    def follow(self, tensors: list[Tensor]) -> None:
        """See `Ranks`."""

    def threads(self) -> int | None:
        """See `Ranks`."""
        return None

    def wish(self, what: Wish, wished: bool) -> None:
        """See `Ranks`."""
        self._wishes[what] = wished

    def granted(self, what: Wish) -> bool:
        """See `Ranks`."""
        return self._wishes.get(what, False)

    def look(self) -> None:
        """See `Ranks`."""
