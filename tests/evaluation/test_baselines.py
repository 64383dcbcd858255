"""The counting model against the definition written out with dictionaries, and the compressor against its promise."""

import lzma
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from understudy.evaluation import baselines
from understudy.evaluation.baselines import LEAST_DISCOUNT, compressed, kneser_ney, xz_filters
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary


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


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_kneser_ney_is_its_definition_however_it_is_read(
    order: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_PIECE", piece)
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
        assert kneser_ney(Ids(known), Ids(text), symbols, order) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("order", [1, 3, 6])
def test_kneser_ney_probabilities_sum_to_one(order: int) -> None:
    for seed in range(5):
        known = np.random.default_rng(seed).geometric(0.4, 200) % 6
        each = [math.exp(-kneser_ney(Ids(known), Ids(np.array([symbol])), 6, order)) for symbol in range(6)]
        assert sum(each) == pytest.approx(1)


def test_a_symbol_that_was_never_seen_has_a_chance() -> None:
    assert math.isfinite(kneser_ney(Ids(np.zeros(50, np.int64)), Ids(np.array([3, 3, 3])), 5))


def test_counts_that_are_never_one_leave_something_for_the_unseen() -> None:
    assert math.isfinite(kneser_ney(Ids(np.repeat(np.arange(4), 10)), Ids(np.array([0, 2, 1, 3, 0])), 5))


@pytest.mark.parametrize("length", range(8))
def test_less_may_be_known_than_a_context_needs(length: int) -> None:
    both = [0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0][: length + 3]
    wanted = -sum(
        math.log(probability(both[:length], both[max(0, place - 5) : place], both[place], 2, 6))
        for place in range(length, len(both))
    )
    assert kneser_ney(Ids(np.array(both[:length], int)), Ids(np.array(both[length:])), 2) == pytest.approx(wanted / 3)


NOISE = np.random.default_rng(0).integers(0, 256, 100_000).astype(np.uint8)
BYTES = Vocabulary.of_bytes()


def test_the_compressor_knows_the_text_before() -> None:
    assert compressed(Ids(NOISE), Ids(NOISE[:50_000]), BYTES).bits < 0.02 * 8 * 50_000


def test_the_compressor_reads_the_bytes_that_are_there_and_not_what_they_would_decode_to() -> None:
    """Bytes at random cannot be told in less; with U+FFFD in the place of half of them they could."""
    assert compressed(Ids(NOISE[:0]), Ids(NOISE), BYTES).bits == pytest.approx(8 * len(NOISE), rel=0.01)
    high = Ids(NOISE | 128)  # seven bits of eight, none of it UTF-8
    assert compressed(Ids(NOISE[:0]), high, BYTES).bits == pytest.approx(7 * len(NOISE), rel=0.03)


@pytest.mark.parametrize("piece", [999, 1 << 20])
def test_the_compressor_takes_the_same_however_it_is_fed(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_PIECE", piece)
    text = "".join(np.random.default_rng(1).choice(list("aeiouж漢 \n"), 40_000))
    vocabulary = Vocabulary.of_text(text)
    ids = vocabulary.encode(text)
    whole = text.encode()
    filters = xz_filters(len(whole))
    known, both = (
        len(lzma.compress(part, lzma.FORMAT_RAW, filters=filters)) for part in (text[:30_000].encode(), whole)
    )
    found = compressed(Ids(ids[:30_000]), Ids(ids[30_000:]), vocabulary)
    assert found == (8 * (both - known), None)


def test_what_lies_out_of_reach_is_forgotten_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 10 * xz_filters(1 << 40)[0]["dict_size"] < 1 << 30
    monkeypatch.setattr(baselines, "DICTIONARY_LIMIT", 1 << 15)
    found = compressed(Ids(NOISE), Ids(NOISE[:20_000]), BYTES)
    assert found.reach == 1 << 15
    assert found.bits == pytest.approx(8 * 20_000, rel=0.02)
