"""The ranks of a group of `torch.distributed`: its collectives, and nothing beneath them.

On the wire are tensors and JSON (`control.py`).
"""

import os
import socket
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from understudy.model.cores import allowed
from understudy.ranks.contract import Wish
from understudy.ranks.control import Control

_STEP = timedelta(minutes=10)
"""A step whose numbers have not come by then will not come: a host is gone without a word."""
_WISHES: tuple[Wish, ...] = ("stop", "save")


class Group(Control):
    """See `Ranks`."""

    def __init__(self, *, owned: bool) -> None:
        """Take the process group that there is.

        Args:
            owned: whether it goes when these ranks are done with it.
        """
        super().__init__()
        self._owned = owned
        self._launched, self._parent = "TORCHELASTIC_RUN_ID" in os.environ, os.getppid()
        with self._together():
            self._steps = dist.new_group(backend="gloo", timeout=_STEP)
        self._wished = dict.fromkeys(_WISHES, False)
        self._granted = dict.fromkeys(_WISHES, False)
        self._asked = torch.zeros(len(_WISHES))
        self._flat: dict[torch.dtype, Tensor] = {}

    def part(self, size: int) -> slice:
        """See `Ranks`."""
        return self._part(self.rank, size)

    def summed(self, parts: list[Tensor], kind: torch.dtype | None = None) -> list[Tensor]:
        """See `Ranks`."""
        *large, number = parts
        wishes = torch.tensor([float(self._wished[name]) for name in _WISHES]).to(number.device)
        small = [number.reshape(1), wishes]
        if kind is None or kind == number.dtype:
            *sums, total, self._asked = self._sum([*large, *small], number.dtype)
        else:
            sums = [part.to(number.dtype) for part in self._sum(large, kind)]
            total, self._asked = self._sum(small, number.dtype)
        return [*sums, total.reshape(())]

    def joined(self, part: Tensor, size: int, dim: int = 0) -> Tensor:
        """See `Ranks`."""
        lengths = [len(range(size)[self._part(rank, size)]) for rank in range(self.count)]
        first = part.movedim(dim, 0)
        padded = part.new_zeros(max(lengths), *first.shape[1:])
        padded[: len(first)] = first
        found = [torch.empty_like(padded) for _ in lengths]
        with self._together():
            dist.all_gather(found, padded, group=self._group(part))
        whole = torch.cat([one[:length] for one, length in zip(found, lengths, strict=True)])
        return whole.movedim(0, dim)

    def from_before(self, last: Tensor) -> Tensor:
        """See `Ranks`."""
        found = [torch.empty_like(last) for _ in range(self.count)]
        with self._together():
            dist.all_gather(found, last.contiguous(), group=self._group(last))
        return found[self.rank - 1] if self.rank else torch.zeros_like(last)

    def wish(self, what: Wish, wished: bool) -> None:
        """See `Ranks`; a rank whose launcher is gone wishes to stop."""
        self._wished[what] = wished or (what == "stop" and self._launched and os.getppid() != self._parent)

    def granted(self, what: Wish) -> bool:
        """See `Ranks`."""
        return self._granted[what]

    def look(self) -> None:
        """See `Ranks`."""
        self._granted = {name: value > 0 for name, value in zip(_WISHES, self._asked.tolist(), strict=True)}

    def threads(self) -> int:
        """See `Ranks`."""
        mine = {"host": socket.gethostname(), "cores": sorted(allowed())}
        there = [set(other["cores"]) for other in self.each(mine) if other["host"] == mine["host"]]
        shares = sum(1 / sum(core in cores for cores in there) for core in allowed())
        return max(1, int(shares + 0.5))

    def close(self, *, whole: bool) -> None:
        """Let the group go.

        Args:
            whole: whether all ranks come here; else they are to find out that this one is gone.
        """
        with suppress(Exception):
            if whole:
                self.total(0.0)
        with suppress(Exception):
            if self._owned:
                dist.destroy_process_group()
            else:
                dist.destroy_process_group(self._patient)
                dist.destroy_process_group(self._steps)

    def _part(self, rank: int, size: int) -> slice:
        return slice(size * rank // self.count, size * (rank + 1) // self.count)

    def _group(self, tensor: Tensor) -> Any:
        return None if tensor.device.type == "cuda" else self._steps

    def _sum(self, parts: list[Tensor], kind: torch.dtype) -> list[Tensor]:
        """The sums in one flat buffer of that type, in which the results lie."""
        sizes = [part.numel() for part in parts]
        flat = self._flat.get(kind)
        if flat is None or flat.numel() != sum(sizes) or flat.device != parts[0].device:
            flat = self._flat[kind] = torch.empty(sum(sizes), dtype=kind, device=parts[0].device)
        places = list(torch.split(flat, sizes))
        torch._foreach_copy_(places, [part.detach().flatten() for part in parts])
        with self._together():
            dist.all_reduce(flat, group=self._group(flat))
        return [place.view(part.shape) for place, part in zip(places, parts, strict=True)]
