"""The counting model against the definition written out with dictionaries, and the compressor against its promise."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from understudy.evaluation.baselines import LEAST_DISCOUNT, compressed_bits, kneser_ney


def discount(count: int, counts: list[int]) -> float:
    """D(c) of Chen and Goodman's modified Kneser-Ney smoothing, kept above zero."""
    n = [0, *(sum(1 for c in counts if c == times) for times in (1, 2, 3, 4))]
    y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
    times = min(count, 3)
    return min(max(times - (times + 1) * y * n[times + 1] / max(n[times], 1), LEAST_DISCOUNT), times) if times else 0


def probability(known: list[int], context: list[int], symbol: int, symbols: int, order: int) -> float:
    def level(n: int) -> float:
        if n == 0:
            return 1 / symbols
        if n == order:
            counts = Counter(tuple(known[i - n + 1 : i + 1]) for i in range(n - 1, len(known)))
        else:
            before = defaultdict(set)
            for i in range(n, len(known)):
                before[tuple(known[i - n + 1 : i + 1])].add(known[i - n])
            counts = Counter({gram: len(symbols_before) for gram, symbols_before in before.items()})
        ctx = tuple(context[len(context) - (n - 1) :])
        beside = {gram: count for gram, count in counts.items() if gram[:-1] == ctx}
        total = sum(beside.values())
        if not total:
            return level(n - 1)
        every = list(counts.values())
        given = sum(discount(count, every) for count in beside.values())
        own = beside.get((*ctx, symbol), 0)
        return (max(own - discount(own, every), 0) + given * level(n - 1)) / total

    return level(order)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_kneser_ney_is_its_definition(order: int) -> None:
    chance = np.random.default_rng(order)
    for symbols in (2, 5):
        known = chance.integers(0, symbols, 80)
        text = chance.integers(0, symbols, 12)
        both = [*known.tolist(), *text.tolist()]
        wanted = -sum(
            math.log(
                probability(
                    both[:80], both[place - order + 1 : place] if order > 1 else [], both[place], symbols, order
                )
            )
            for place in range(80, 92)
        ) / len(text)
        assert kneser_ney(known, text, symbols, order) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("order", [1, 3, 6])
def test_kneser_ney_probabilities_sum_to_one(order: int) -> None:
    for seed in range(5):
        known = np.random.default_rng(seed).geometric(0.4, 200) % 6
        each = [math.exp(-kneser_ney(known, np.array([symbol]), 6, order)) for symbol in range(6)]
        assert sum(each) == pytest.approx(1)


def test_a_symbol_that_was_never_seen_has_a_chance() -> None:
    assert math.isfinite(kneser_ney(np.zeros(50, np.int64), np.array([3, 3, 3]), 5))


def test_counts_that_are_never_one_leave_something_for_the_unseen() -> None:
    assert math.isfinite(kneser_ney(np.repeat(np.arange(4), 10), np.array([0, 2, 1, 3, 0]), 5))


def test_the_compressor_knows_the_text_before() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 100_000).astype(np.uint8).tobytes()
    assert compressed_bits(b"", noise) == pytest.approx(8 * len(noise), rel=0.01)
    assert compressed_bits(noise, noise[:50_000]) < 0.02 * 8 * 50_000
