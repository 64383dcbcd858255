"""Random numbers that are a function of a seed, a purpose and a place: there is no generator's state to save.

On a CPU they come from a counter-based generator (Philox 4×64; Salmon et al. 2011), whose key holds all 64 bits of the
seed and the purpose, and whose counter holds the place, so that no two sequences share a number by design.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

Purpose = Literal["start", "dropout", "fresh"]
_NUMBERS: dict[Purpose, int] = {"start": 0, "dropout": 1, "fresh": 2}
Words = Callable[[int], Tensor]
"""Gives so many random numbers of 64 bits, (N,) int64; the next call gives the ones after them."""


def philox(seed: int, purpose: Purpose, place: int = 0) -> np.random.Philox:
    """The generator of a seed, a purpose and a place; each place has 2^64 blocks of four numbers."""
    key = np.array([seed, _NUMBERS[purpose]], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, place, 0, 0], np.uint64))


class Draws(Protocol):
    """Random numbers for one purpose, on a device; `go_to` a place first."""

    def go_to(self, place: int) -> None:
        """Begin the sequence of that place."""

    def words(self, count: int) -> Tensor:
        """See `Words`."""


class CpuDraws:
    """See `Draws`."""

    def __init__(self, seed: int, purpose: Purpose) -> None:
        self._seed, self._purpose = seed, purpose
        self._bits = philox(seed, purpose)

    def go_to(self, place: int) -> None:
        """See `Draws`."""
        self._bits = philox(self._seed, self._purpose, place)

    def words(self, count: int) -> Tensor:
        """See `Words`."""
        return torch.from_numpy(self._bits.random_raw(count).view(np.int64))


class GpuDraws:
    """See `Draws`; the generator stays the same, so that what draws from it can be recorded.

    Attributes:
        generator: PyTorch's, which takes seeds of 64 bits on a GPU.
    """

    def __init__(self, seed: int, purpose: Purpose, device: torch.device) -> None:
        self.generator = torch.Generator(device)
        self._seed, self._purpose, self._device = seed, purpose, device

    def go_to(self, place: int) -> None:
        """See `Draws`."""
        (drawn,) = philox(self._seed, self._purpose, place).random_raw(1)
        self.generator.manual_seed(int(drawn) >> 1)

    def words(self, count: int) -> Tensor:
        """See `Words`."""
        empty = torch.empty(count, dtype=torch.int64, device=self._device)
        return empty.random_(-(1 << 63), None, generator=self.generator)


def draws_for(seed: int, purpose: Purpose, device: torch.device) -> CpuDraws | GpuDraws:
    """Random numbers for a purpose, on that device."""
    return GpuDraws(seed, purpose, device) if device.type == "cuda" else CpuDraws(seed, purpose)


def uniform(words: Tensor) -> Tensor:
    """Random numbers of 64 bits as float32 in [0, 1), from their upper bits."""
    return ((words >> 40) & 0xFFFFFF).to(torch.float32) * 2.0**-24
