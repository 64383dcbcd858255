"""PPMd as a baseline: what it counts is a text that can be had back, and what it knows before helps."""

import math
import sys
import tracemalloc
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from understudy.errors import MissingExtraError
from understudy.evaluation import baselines, ppmd
from understudy.evaluation.ppmd import MEMORY_LIMIT, ORDER, memory_for, predicted, size_by
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary

needs_ppmd = pytest.mark.skipif(find_spec("pyppmd") is None, reason="pyppmd: pip install 'understudy[ppmd]'")
BYTES = Vocabulary.of_bytes()
NOISE = np.random.default_rng(0).integers(0, 256, 60_000).astype(np.uint8)
NOTHING = Ids(NOISE[:0])


def words(length: int, seed: int) -> str:
    """Words at random of a hundred that every seed has."""
    every = ["".join(np.random.default_rng(n).choice(list("aeioustr漢"), 5)) for n in range(100)]
    return " ".join(np.random.default_rng(seed).choice(every, length // 6))


def noise(seed: int, length: int) -> bytes:
    """Bytes at random."""
    return np.random.default_rng(seed).integers(0, 256, length).astype(np.uint8).tobytes()


class Kept:
    """An encoder whose output is kept."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.stream = encoder, b""

    def encode(self, data: memoryview) -> bytes:
        made: bytes = self.encoder.encode(data)
        self.stream += made
        return made

    def flush(self, *, endmark: bool) -> bytes:
        made: bytes = self.encoder.flush(endmark=endmark)
        self.stream += made
        return made


@needs_ppmd
@pytest.mark.parametrize("content", [*(noise(seed, 40_000) for seed in range(5)), words(100_000, 1).encode()], ids=len)
def test_what_is_counted_can_be_decoded(content: bytes) -> None:
    """So all of it was counted: where bytes at random are given at once, the encoder loses some of what it makes."""
    from pyppmd import Ppmd8Decoder

    memory = memory_for(len(content))
    kept = Kept(ppmd._encoder()(ORDER, memory, ppmd._CUT_OFF))
    assert size_by(kept, [content[:7], content[7:]]) == len(kept.stream)
    assert Ppmd8Decoder(ORDER, memory, ppmd._CUT_OFF).decode(kept.stream, len(content)) == content


@needs_ppmd
def test_what_was_read_twice_costs_almost_nothing() -> None:
    """Read once, even bytes at random cost less; of contexts seen once it is not sure yet."""
    once, twice = (predicted(Ids(np.tile(NOISE, times)), Ids(NOISE), BYTES).bits for times in (1, 2))
    assert once < 0.5 * 8 * len(NOISE)
    assert twice < 0.01 * 8 * len(NOISE)


@needs_ppmd
def test_what_is_known_helps() -> None:
    vocabulary = Vocabulary.of_text(words(6000, 1))
    known, text = (Ids(vocabulary.encode(words(length, seed))) for length, seed in ((30_000, 1), (6000, 2)))
    alone, after = (predicted(before, text, vocabulary).bits / 1000 for before in (known[:0], known))
    assert math.log2(100) < after < 1.25 * math.log2(100) < alone  # a word is one of a hundred, at random


@needs_ppmd
@pytest.mark.parametrize("symbols", [16, 64])
def test_symbols_at_random_take_hardly_more_than_their_logarithm(symbols: int) -> None:
    ids = Ids(np.random.default_rng(symbols).integers(0, symbols, 50_000).astype(np.uint8))
    vocabulary = Vocabulary.of_text("".join(chr(65 + n) for n in range(symbols)))
    for spelled in (vocabulary, BYTES):
        assert math.log2(symbols) < predicted(NOTHING, ids, spelled).bits / len(ids) < 1.05 * math.log2(symbols)


@needs_ppmd
def test_characters_are_read_as_their_bytes_in_utf_8() -> None:
    text = words(5000, 3)
    vocabulary = Vocabulary.of_text(text)
    characters = Ids(vocabulary.encode(text))
    as_bytes = Ids(np.frombuffer(text.encode(), np.uint8))
    assert predicted(characters[:0], characters, vocabulary) == predicted(as_bytes[:0], as_bytes, BYTES)


@needs_ppmd
@pytest.mark.parametrize("piece", [1, 999, 1 << 14])
def test_it_takes_the_same_however_it_is_fed(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = words(20_000 if piece > 1 else 500, 4)
    vocabulary = Vocabulary.of_text(text)
    ids = Ids(vocabulary.encode(text))
    cut = len(ids) // 3
    whole = predicted(ids[:cut], ids[cut:], vocabulary)
    monkeypatch.setattr(baselines, "_PIECE", piece)
    monkeypatch.setattr(ppmd, "_PORTION", max(piece // 3, 1))
    assert predicted(ids[:cut], ids[cut:], vocabulary) == whole


@needs_ppmd
def test_nothing_known_and_nothing_to_predict_take_nothing() -> None:
    assert predicted(NOTHING, NOTHING, BYTES).bits == 0
    assert predicted(Ids(NOISE), NOTHING, BYTES).bits == 0


@needs_ppmd
def test_enough_memory_is_as_good_as_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is a text made to need much: strings at random, each of them again and again."""
    strings = np.random.default_rng(5).integers(0, 256, (1000, 33)).astype(np.uint8)
    again = strings[np.random.default_rng(6).integers(0, 1000, 3000)].ravel()
    for text in (np.frombuffer(words(60_000, 5).encode(), np.uint8), again):
        found = predicted(Ids(text[:1000]), Ids(text[1000:]), BYTES)
        assert found.memory is None
        with monkeypatch.context() as patched:
            patched.setattr(ppmd, "ROOM", 1000)
            assert predicted(Ids(text[:1000]), Ids(text[1000:]), BYTES) == found


@needs_ppmd
def test_too_little_memory_is_said_and_costs_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    strings = np.random.default_rng(5).integers(0, 256, (1000, 33)).astype(np.uint8)
    again = Ids(strings[np.random.default_rng(6).integers(0, 1000, 3000)].ravel())
    whole = predicted(NOTHING, again, BYTES)
    monkeypatch.setattr(ppmd, "MEMORY_LIMIT", 1 << 21)
    found = predicted(NOTHING, again, BYTES)
    assert found.memory == 1 << 21
    assert found.bits > 1.05 * whole.bits


def test_memory_has_a_bound_and_holds_all_that_baselines_know() -> None:
    assert memory_for(1 << 40) == MEMORY_LIMIT == 1 << 30
    assert memory_for(1 << 24) >= 43 << 24
    assert memory_for(0) > 0


@needs_ppmd
def test_nothing_of_the_text_stays_in_memory() -> None:
    ids = Ids(np.zeros(3_000_000, np.uint8))
    predicted(NOTHING, ids[:1000], BYTES)
    tracemalloc.start()
    try:
        predicted(NOTHING, ids, BYTES)
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


def test_where_it_is_not_installed_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyppmd", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'understudy\[ppmd\]'"):
        predicted(NOTHING, Ids(NOISE), BYTES)
