"""The draw: logits and a uniform number -> an id."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.generation.engine import Floats

LARGEST_SEED = (1 << 64) - 1


@dataclass(frozen=True)
class Sampling:
    """How the next symbol is chosen.

    Attributes:
        temperature: divides the logits; 0 takes the most probable symbol.
        top_k: only so many of the most probable symbols stay.
        top_p: only the fewest symbols whose probabilities reach this sum stay (nucleus sampling; Holtzman et al.
            2019, arXiv:1904.09751).
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConfigError: a value is out of range.
        """
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ConfigError(f"--temperature {self.temperature}: expected a number from 0")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"--top-k {self.top_k}: expected a whole number from 1")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"--top-p {self.top_p}: expected a number above 0 and at most 1")

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """The distribution that is drawn from, (B, V), for logits (B, V)."""
        exact: NDArray[np.float64] = logits.astype(np.float64)
        if self.temperature == 0:
            certain: NDArray[np.float64] = np.zeros_like(exact)
            certain[np.arange(len(exact)), exact.argmax(-1)] = 1
            return certain
        exact = (exact - exact.max(-1, keepdims=True)) / self.temperature
        weights: NDArray[np.float64] = np.exp(exact)
        weights /= weights.sum(-1, keepdims=True)
        if self.top_k is None and self.top_p is None:
            return weights
        order = np.argsort(-weights, axis=-1, kind="stable")
        ranked = np.take_along_axis(weights, order, -1)
        kept = np.ones(ranked.shape, bool)
        if self.top_k is not None:
            kept[:, self.top_k :] = False
            ranked = np.where(kept, ranked, 0)
            ranked /= ranked.sum(-1, keepdims=True)
        if self.top_p is not None:
            kept &= ranked.cumsum(-1) - ranked < self.top_p
        np.put_along_axis(weights, order, np.where(kept, ranked, 0), -1)
        weights /= weights.sum(-1, keepdims=True)
        return weights

    def draw(self, logits: Floats, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """One id a stream, (B,), from logits (B, V) and uniform numbers (B,) in [0, 1)."""
        cumulated = self.probabilities(logits).cumsum(-1)
        sought = uniforms[:, None] * cumulated[:, -1:]
        drawn: NDArray[np.int64] = (cumulated <= sought).sum(-1)
        return drawn


def uniforms(seed: int, start: int, count: int) -> NDArray[np.float64]:
    """Numbers `start` to `start + count - 1` of the sequence that belongs to `seed`, each in [0, 1).

    The generator is counter-based (Philox 4×64; Salmon et al. 2011), so that any place can be asked for.
    """
    bits = np.random.Philox(key=seed)
    bits.advance(start // 4)
    return np.random.Generator(bits).random(start % 4 + count)[start % 4 :]


def check_seed(seed: Any) -> int:
    """The seed, if it is one.

    Raises:
        ConfigError: it is not a whole number from 0 to 2^64 - 1.
    """
    if not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"--seed {seed}: expected a whole number from 0 to {LARGEST_SEED}")
    return seed
