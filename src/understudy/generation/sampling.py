"""The draw: logits and a uniform number -> an id."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy import checks
from understudy.generation.portable import compiled
from understudy.generation.portable.arithmetic import Floats as Floats
from understudy.generation.portable.arithmetic import exponential

LARGEST_SEED = (1 << 64) - 1
_COLDEST = 1e-30
"""No two numbers that float32 tells apart are so close that a lower temperature would leave the less probable a chance;
and a logit divided by it stays a number."""


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
        """Check every field, and make plain numbers of numpy's.

        Raises:
            ConfigError: a value is of the wrong type or out of range.
        """
        object.__setattr__(self, "temperature", float(checks.number("--temperature", self.temperature, 0)))
        if self.top_k is not None:
            object.__setattr__(self, "top_k", checks.whole("--top-k", self.top_k, 1))
        if self.top_p is not None:
            object.__setattr__(self, "top_p", float(checks.number("--top-p", self.top_p, 0, 1, above=True)))

    @property
    def greedy(self) -> bool:
        """Whether there is no chance in it."""
        return self.temperature < _COLDEST

    @property
    def ranks(self) -> bool:
        """Whether the symbols must be put in order of their probability."""
        return self.top_k is not None or self.top_p is not None

    def candidates(self, logits: Floats) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The weights that are drawn from and the ids that they belong to, both (B, K), for logits (B, V).

        K is V, or `top_k`; the weights need not sum to one. Ranked candidates come in the order of their logits, equal
        ones in order of their ids; others in order of their ids. What sums are made of weights is settled to the last
        bit, so that every runtime draws the same (docs/portable.md).
        """
        exact: NDArray[np.float64] = logits.astype(np.float64)
        if self.greedy:
            best = exact.argmax(-1)[:, None].astype(np.int64)
            return np.ones(best.shape), best
        with np.errstate(invalid="ignore"):
            weights = exponential((exact - exact.max(-1, keepdims=True)) / self.temperature)
        if not self.ranks:
            return weights, np.broadcast_to(np.arange(weights.shape[-1], dtype=np.int64), weights.shape)
        order = np.argsort(-logits, axis=-1, kind="stable")[:, : self.top_k].astype(np.int64)
        ranked = np.take_along_axis(weights, order, -1)
        if self.top_p is not None:
            total = (weights if self.top_k is None else ranked).cumsum(-1)[:, -1:]
            enough = ranked.cumsum(-1) >= self.top_p * total
            ranked[:, 1:][enough[:, :-1]] = 0
        return ranked, order

    def draw(self, logits: Floats, uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
        """One id a stream, (B,), from logits (B, V) and uniform numbers (B,) in (0, 1)."""
        weights, ids = self.candidates(logits)
        cumulated = weights.cumsum(-1)
        place = (cumulated < uniforms[:, None] * cumulated[:, -1:]).sum(-1, dtype=np.int64)
        drawn: NDArray[np.int64] = np.take_along_axis(ids, place[:, None], -1)[:, 0]
        return drawn


def draw_each(logits: Floats, uniforms: NDArray[np.float64], sampling: Sequence[Sampling]) -> NDArray[np.int64]:
    """`Sampling.draw` with a setting for each stream: ids (B,), from logits (B, V) and uniform numbers (B,)."""
    drawn = np.empty(len(logits), np.int64)
    for setting in set(sampling):
        rows = np.array([other == setting for other in sampling], bool)
        drawn[rows] = setting.draw(logits[rows], uniforms[rows])
    return drawn


def uniforms(seed: int, start: int, count: int) -> NDArray[np.float64]:
    """Numbers `start` to `start + count - 1` of the sequence that belongs to `seed`, each in (0, 1).

    The generator is counter-based (Philox 4×64; Salmon et al. 2011), so that any place can be asked for. The numbers
    stay above 0, and below 1 by enough for their product with a sum to stay below the sum.
    """
    return compiled.uniforms(seed, start, count)


def check_seed(seed: Any) -> int:
    """The seed, if it is one.

    Raises:
        ConfigError: it is not a whole number from 0 to 2^64 - 1.
    """
    return checks.whole("--seed", seed, 0, LARGEST_SEED)
