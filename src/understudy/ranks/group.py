"""The ranks of a group of `torch.distributed`: its collectives, and nothing beneath them.

On the wire are tensors and JSON (`control.py`).
"""

import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from understudy.model.cores import allowed, host, network
from understudy.ranks.contract import Alone, Shared, Wish
from understudy.ranks.control import Control, together
from understudy.ranks.rows import Rows

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
        with together():
            self._steps = dist.new_group(backend="gloo", timeout=_STEP)
        self._rows = Rows(self.rank, self.count, self._steps)
        self._threads, self.near = self._meet()
        self._wished = dict.fromkeys(_WISHES, False)
        self._granted = dict.fromkeys(_WISHES, False)
        self._asked = self._hopes = torch.zeros(len(_WISHES))
        self._flat: dict[torch.dtype, Tensor] = {}

    def part(self, size: int) -> slice:
        """See `Ranks`."""
        return self._rows.part(size)

    def summed(self, parts: list[Tensor], kind: torch.dtype | None = None) -> list[Tensor]:
        """See `Ranks`."""
        *large, number = parts
        self._hopes = self._hopes.to(number.device)  # where a step is recorded, it is there already
        small = [number.reshape(1), self._hopes]
        if kind is None or kind == number.dtype:
            *sums, total, self._asked = self._sum([*large, *small], number.dtype)
        else:
            sums = [part.to(number.dtype) for part in self._sum(large, kind)]
            total, self._asked = self._sum(small, number.dtype)
        return [*sums, total.reshape(())]

    def joined(self, part: Tensor, size: int, dim: int = 0) -> Tensor:
        """See `Ranks`."""
        return self._rows.joined(part, size, dim)

    def from_before(self, last: Tensor) -> Tensor:
        """See `Ranks`."""
        found = [torch.empty_like(last) for _ in range(self.count)]
        with together():
            dist.all_gather(found, last.contiguous(), group=self._group(last))
        return found[self.rank - 1] if self.rank else torch.zeros_like(last)

    def wish(self, what: Wish, wished: bool) -> None:
        """See `Ranks`; a rank whose launcher is gone wishes to stop."""
        wished = wished or (what == "stop" and self._launched and os.getppid() != self._parent)
        if wished != self._wished[what]:
            self._wished[what] = wished
            self._hopes[_WISHES.index(what)] = float(wished)

    def granted(self, what: Wish) -> bool:
        """See `Ranks`."""
        return self._granted[what]

    def look(self) -> None:
        """See `Ranks`."""
        self._granted = {name: value > 0 for name, value in zip(_WISHES, self._asked.tolist(), strict=True)}

    def threads(self) -> int | None:
        """See `Ranks`."""
        return self._threads

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

    def _meet(self) -> tuple[int, Shared]:
        """What this rank's share of its host's cores is; and the ranks that lie near.

        Raises:
            RanksError: another rank is gone.
        """
        cores = sorted(allowed())
        ranks = self.each({"host": host(), "network": network(), "cores": cores})
        mine = ranks[self.rank]
        there = [set(other["cores"]) for other in ranks if other["host"] == mine["host"]]
        threads = sum(1 / sum(core in others for others in there) for core in cores)
        places: dict[str, list[int]] = {}
        for rank, other in enumerate(ranks):
            places.setdefault(other["network"], []).append(rank)
        near: Shared = Alone()
        if len({len(members) for members in places.values()}) == 1 < self.count > len(places):
            for members in places.values():
                with together():
                    group = dist.new_group(members, backend="gloo", timeout=_STEP)
                if self.rank in members:
                    near = Rows(members.index(self.rank), len(members), group)
        return max(1, int(threads + 0.5)), near

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
        with together():
            dist.all_reduce(flat, group=self._group(flat))
        return [place.view(part.shape) for place, part in zip(places, parts, strict=True)]
