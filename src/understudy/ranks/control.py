"""What the ranks of a group tell each other beside the steps: numbers, JSON, tensors that all are to have.

All of it may take its time, as rank 0's reading of a text does: it is waited for in small naps, so that a signal is
met. A rank that is gone is noticed at once, since its connections are.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from understudy.errors import RanksError

_PATIENCE = timedelta(days=30)
_NAP = 0.002


@contextmanager
def together() -> Iterator[None]:
    """Do what needs the other ranks.

    Raises:
        RanksError: one is gone, or does not answer.
    """
    try:
        yield
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise RanksError(
            f"process {dist.get_rank()} of {dist.get_world_size()}: another process of this run is gone, or does not "
            f"answer; the last checkpoint is whole: the same command with --resume goes on from it ({said[:200]})"
        ) from error


class Control:
    """The part of `Ranks` that is not of steps."""

    def __init__(self) -> None:
        self.rank, self.count = dist.get_rank(), dist.get_world_size()
        with together():
            self._patient = dist.new_group(backend="gloo", timeout=_PATIENCE)

    @property
    def leads(self) -> bool:
        """See `Ranks`."""
        return self.rank == 0

    def total(self, value: float) -> float:
        """See `Ranks`."""
        sums = torch.tensor([value], dtype=torch.float64)
        self._wait(dist.all_reduce(sums, group=self._patient, async_op=True))
        return float(sums)

    def led(self, value: float) -> float:
        """See `Ranks`."""
        first = torch.tensor([value], dtype=torch.float64)
        self._wait(dist.broadcast(first, 0, group=self._patient, async_op=True))
        return float(first)

    def told(self, document: Any) -> Any:
        """See `Ranks`."""
        data = json.dumps(document).encode() if self.leads else b""
        length = int(self.led(float(len(data))))
        block = torch.frombuffer(bytearray(data), dtype=torch.uint8) if self.leads else torch.empty(length).byte()
        self._wait(dist.broadcast(block, 0, group=self._patient, async_op=True))
        return json.loads(bytes(block.numpy()))

    def each(self, document: Any) -> list[Any]:
        """See `Ranks`."""
        data = json.dumps(document).encode()
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        own = torch.tensor([len(data)])
        self._wait(dist.all_gather(lengths, own, group=self._patient, async_op=True))
        longest = int(max(lengths))
        blocks = [torch.zeros(longest, dtype=torch.uint8) for _ in lengths]
        padded = torch.frombuffer(bytearray(data.ljust(longest)), dtype=torch.uint8)
        self._wait(dist.all_gather(blocks, padded, group=self._patient, async_op=True))
        return [json.loads(bytes(block.numpy())) for block in blocks]

    def follow(self, tensors: list[Tensor]) -> None:
        """See `Ranks`."""
        for tensor in tensors:
            there = tensor.detach()
            held = there.cpu().contiguous()
            self._wait(dist.broadcast(held, 0, group=self._patient, async_op=True))
            if held.data_ptr() != there.data_ptr():
                there.copy_(held)

    def _wait(self, work: Any) -> None:
        with together():
            while not work.is_completed():
                time.sleep(_NAP)
            work.wait()
