"""Copies: what is marked is what a plain search finds, and what is forbidden is never written."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exports.models import example
from understudy.api import Model
from understudy.errors import ConfigError
from understudy.seeing import copies
from understudy.seeing.copies import Span, copied, longest, shares, spans
from understudy.text import grams as grams_module
from understudy.text.encoded import Ids
from understudy.text.grams import Grams, hashes
from understudy.trained import guarded


def ids_of(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


def searched(page: str, text: str, length: int) -> list[bool]:
    """Which characters of a page lie in a run of that length that the text has, by search."""
    inside = [False] * len(page)
    for start in range(len(page) - length + 1):
        if page[start : start + length] in text:
            inside[start : start + length] = [True] * length
    return inside


@given(st.text("ab", max_size=60), st.text("ab", max_size=300), st.integers(1, 12), st.integers(1, 40))
@settings(max_examples=200)
def test_what_is_found_is_what_a_search_finds(page: str, text: str, length: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grams_module, "_BLOCK", block)
        grams = Grams.of(Ids(ids_of(text)), length)
    found = spans(ids_of(page), grams)
    inside = [False] * len(page)
    for start, end in found:
        inside[start:end] = [True] * (end - start)
    assert inside == searched(page, text, length)
    runs = [page[start:end] for start in range(len(page)) for end in range(start + length, len(page) + 1)]
    best = max((len(run) for run in runs if run in text), default=0)
    most = longest(ids_of(page), Ids(ids_of(text)), grams)
    assert most.end - most.start == best
    if best:
        assert page[most.start : most.end] in text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copies, "_BLOCK", block)
        once = copied(ids_of(page), Ids(ids_of(text)), length)
    assert once.parts == found
    assert once.longest == best


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 45))
def test_runs_that_are_equal_have_equal_hashes_and_others_do_not(symbols: list[int], length: int) -> None:
    found = hashes(np.array(symbols, np.int64), length).tolist()
    runs = [tuple(symbols[start : start + length]) for start in range(len(symbols) - length + 1)]
    assert len(found) == len(runs)
    assert len(set(found)) == len(set(runs))


def test_shares_fall_with_the_length() -> None:
    text = "".join(random.Random(1).choices("abcdefgh", k=3_000))
    page = ids_of(text[100:130] + "!" + text[700:760] + "?" + "z" * 9)
    assert len(page) == 101
    found = shares(page, Ids(ids_of(text)), (20, 30, 40, 61))
    assert found == pytest.approx({20: 90 / 101, 30: 90 / 101, 40: 60 / 101, 61: 0})


@pytest.fixture(scope="module")
def knowing() -> tuple[Model, str]:
    """A model, and a page that it wrote, which serves as the text that it must not copy."""
    model = Model(example("lstm-1-0"))
    return model, model.generate(length=4_000, seed=1, temperature=0.3)


@pytest.mark.parametrize("length", [6, 12, 30])
@pytest.mark.parametrize("settings_", [{"temperature": 0.3}, {"temperature": 0}, {"temperature": 0.5, "top_k": 4}])
def test_no_run_of_the_text_gets_that_long(knowing: tuple[Model, str], length: int, settings_: dict[str, Any]) -> None:
    model, text = knowing
    free = model.generate(length=4_000, seed=1, **settings_)
    page = model.without_copies(text, length).generate(length=4_000, seed=1, **settings_)
    assert len(page) == 4_000
    assert not any(searched(page, text, length))
    if settings_ == {"temperature": 0.3}:
        assert all(searched(free, text, length)), "without it, all of the page is copied"
        start = next(place for place in range(4_000) if page[place] != free[place])
        assert start == length - 1, "until a run is complete, nothing is drawn again"


def test_the_prompt_counts_and_the_seed_gives_the_same_text_again(knowing: tuple[Model, str]) -> None:
    model, text = knowing
    safe = model.without_copies(text, 12)
    alone = [safe.generate(text[200:211], length=300, seed=seed, temperature=0.3) for seed in (5, 6, 7)]
    assert text[211] != alone[0][0]
    together = safe.samples(text[200:211], 3, length=300, seed=5, temperature=0.3)
    assert [sample.text for sample in together] == alone
    stream = safe.stream(text[200:211], length=300, seed=5, temperature=0.3)
    assert "".join(stream) == alone[0]
    first = safe.generate(text[200:211], length=100, seed=5, temperature=0.3, stop="zzzz")
    assert first == alone[0][:100]
    for page in alone:
        assert not any(searched(text[200:211] + page, text, 12))


def test_where_nothing_copies_nothing_changes(knowing: tuple[Model, str]) -> None:
    model, _ = knowing
    other = "".join(random.Random(3).choices("xyz", k=5_000))
    assert model.without_copies(other, 9).generate(length=700, seed=4) == model.generate(length=700, seed=4)


def test_a_text_that_has_every_run_leaves_nothing_to_write() -> None:
    model = Model(example(symbols="ab"))
    with pytest.raises(ConfigError, match="larger number"):
        model.without_copies("aabbabaab" * 3, 2).generate(length=50, seed=1)
    with pytest.raises(ConfigError, match="from 2"):
        model.without_copies("ab", 1)
    with pytest.raises(ConfigError, match="already"):
        model.without_copies("ab", 3).without_copies("ba", 3)


def test_bytes_are_guarded_too() -> None:
    model = Model(example(symbols=""))
    data = model.samples(length=600, seed=2, temperature=0.2)[0].data
    safe = guarded(model, Ids(np.frombuffer(data, np.uint8)), 10)
    written = safe.samples(length=600, seed=2, temperature=0.2)[0].data
    assert len(written) == 600
    assert not any(written[start : start + 10] in data for start in range(591))


def test_spans_are_told_apart(tmp_path: Path) -> None:
    grams = Grams.of(Ids(ids_of("one two three four five")), 5)
    assert spans(ids_of("one two!three fou"), grams) == [Span(0, 7), Span(8, 17)]
