"""Things that lie side by side, shared out among some ranks and put together again."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from understudy.ranks.control import together


class Rows:
    """The ranks of one group of `torch.distributed`, as far as they share out what lies side by side."""

    def __init__(self, rank: int, count: int, group: Any) -> None:
        """Be one of them.

        Args:
            rank: which, in the group.
            count: how many there are.
            group: theirs, for tensors on a CPU; those on a GPU go by the default group.
        """
        self._rank, self._count, self._group = rank, count, group

    def part(self, size: int) -> slice:
        """See `Shared`."""
        return self._part(self._rank, size)

    def joined(self, part: Tensor, size: int, dim: int = 0) -> Tensor:
        """See `Shared`."""
        lengths = [len(range(size)[self._part(rank, size)]) for rank in range(self._count)]
        longest, first = max(lengths), part.movedim(dim, 0).contiguous()
        if len(first) < longest:
            first = torch.cat([first, first.new_zeros(longest - len(first), *first.shape[1:])])
        whole = first.new_empty(longest * self._count, *first.shape[1:])
        found = list(whole.chunk(self._count))
        with together():
            dist.all_gather(found, first, group=None if part.device.type == "cuda" else self._group)
        if min(lengths) < longest:
            whole = torch.cat([one[:length] for one, length in zip(found, lengths, strict=True)])
        return whole.movedim(0, dim)

    def _part(self, rank: int, size: int) -> slice:
        return slice(size * rank // self._count, size * (rank + 1) // self._count)
