"""Two baselines for scale: a general compressor, and counting with Kneser-Ney smoothing. Needs no torch."""

import lzma
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ORDER = 6
DICTIONARY_LIMIT = 1 << 30
LEAST_DISCOUNT = 0.1
"""Small counts can make a discount zero or less; then nothing would be left for what was never seen."""


def xz_filters(length: int) -> list[dict[str, int]]:
    """The settings of xz at its best, for a raw stream of `length` bytes: all of it stays within reach, up to 1 GiB."""
    dictionary = min(max(length, 4096), DICTIONARY_LIMIT)
    return [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary}]


def compressed_bits(known: bytes, text: bytes) -> float:
    """The bits that xz adds for `text` to what it takes for `known`: all of `known` is context."""
    filters = xz_filters(len(known) + len(text))

    def size(data: bytes) -> int:
        return len(lzma.compress(data, lzma.FORMAT_RAW, filters=filters))

    return 8.0 * (size(known + text) - size(known))


def kneser_ney(
    known: NDArray[np.integer[Any]], text: NDArray[np.integer[Any]], symbols: int, order: int = ORDER
) -> float:
    """Mean nats a symbol of `text` under an n-gram model of `known`, interpolated modified Kneser-Ney smoothing.

    Chen and Goodman 1999, their modified smoothing; the lowest order is uniform over the symbols. The model is not
    changed by `text`, whose first symbols have the end of `known` as context.

    Args:
        known: ids to count in, (N,).
        text: ids to predict, (M,).
        symbols: V.
        order: n.
    """
    both = np.concatenate([known, text]).astype(np.int64)
    grams = _grams(both, symbols, order)
    predicted = np.arange(len(known), len(both))
    probability = np.full(len(predicted), 1 / symbols)
    for n in range(1, order + 1):
        # A gram is counted where it was seen; below the highest order, once for each symbol that was seen before it.
        if n == order:
            seen = np.arange(n - 1, len(known))
        else:
            ends = np.arange(n, len(known))
            seen = ends[np.unique(grams[n + 1][ends], return_index=True)[1]]
        level = _Level.of(grams[n][seen], grams[n - 1][seen - 1], grams[n].max(initial=0) + 1, grams[n - 1].max() + 1)
        probability = level.interpolate(grams[n][predicted], grams[n - 1][predicted - 1], probability)
    return float(-np.log(probability).mean())


def _grams(ids: NDArray[np.int64], symbols: int, order: int) -> list[NDArray[np.int64]]:
    """For each n up to `order`, a number for the n symbols that end at each place: the same where they are the same.

    Places with fewer than n symbols before their end share a number with others; they are never asked for.
    """
    grams = [np.zeros_like(ids)]
    for _ in range(order):
        before = np.concatenate([[0], grams[-1][:-1]])
        grams.append(np.unique(before * symbols + ids, return_inverse=True)[1])
    return grams


class _Level(NamedTuple):
    """The counts of one order, and what each context gives to the order below."""

    counts: NDArray[np.int64]
    totals: NDArray[np.int64]
    discounts: NDArray[np.float64]
    given_down: NDArray[np.float64]

    @classmethod
    def of(cls, grams: NDArray[np.int64], contexts: NDArray[np.int64], kinds: int, context_kinds: int) -> "_Level":
        counts, totals = np.bincount(grams, minlength=kinds), np.bincount(contexts, minlength=context_kinds)
        ones, twos, threes, fours = (int((counts == times).sum()) for times in (1, 2, 3, 4))
        y = ones / (ones + 2 * twos) if ones else 0.5
        rises = (1 - 2 * y * twos / max(ones, 1), 2 - 3 * y * threes / max(twos, 1), 3 - 4 * y * fours / max(threes, 1))
        discounts = np.array(
            [0.0, *(min(max(rise, LEAST_DISCOUNT), most) for rise, most in zip(rises, (1, 2, 3), strict=True))]
        )
        kind, first = np.unique(grams, return_index=True)
        taken = discounts[np.minimum(counts[kind], 3)]
        given: NDArray[np.float64] = np.bincount(contexts[first], taken, context_kinds).astype(np.float64)
        return cls(counts, totals, discounts, given)

    def interpolate(
        self, grams: NDArray[np.int64], contexts: NDArray[np.int64], below: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """This order's probabilities; the ones below where the context was never seen."""
        counts, totals = self.counts[grams], self.totals[contexts]
        kept = np.maximum(counts - self.discounts[np.minimum(counts, 3)], 0)
        mixed: NDArray[np.float64] = (kept + self.given_down[contexts] * below) / np.maximum(totals, 1)
        return np.where(totals > 0, mixed, below)
