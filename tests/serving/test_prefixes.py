"""States that are kept for texts to come: the longest that is known, within bounds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy.serving.prefixes import BLOCK, Place, Prefixes

LENGTHS = st.lists(st.integers(1, 4 * BLOCK), max_size=12)


def place(number: int) -> Place:
    return Place(np.full(8, number, np.float32), (np.full(8, number, np.float32),))


@given(LENGTHS, st.integers(0, 4 * BLOCK), st.integers(0, 4 * BLOCK))
def test_the_longest_known_beginning_is_found_and_no_other(kept: list[int], differs: int, most: int) -> None:
    text = np.arange(4 * BLOCK, dtype=np.int64) % 250
    other = text.copy()
    other[differs:] += 1
    prefixes = Prefixes(1 << 20)
    for length in kept:
        prefixes.of(text).keep(length, place(length))
    shared = [length for length in kept if length <= min(differs, most)]
    found, known = prefixes.of(other).known(min(most, len(other)))
    assert found == max(shared, default=0)
    assert (known is None) == (not shared)
    if known is not None:
        assert known.logits[0] == found


def test_what_was_not_of_use_for_longest_goes() -> None:
    text = np.arange(100, dtype=np.int64)
    one = place(0).bytes
    prefixes = Prefixes(3 * one)
    for length in (10, 20, 30):
        prefixes.of(text).keep(length, place(length))
    assert prefixes.of(text).known(10)[0] == 10  # which makes it the last that was of use
    prefixes.of(text).keep(40, place(40))
    assert prefixes.taken == 3 * one
    assert prefixes.of(text).known(29)[0] == 10
    assert prefixes.of(text).known(100)[0] == 40


def test_without_room_nothing_is_kept() -> None:
    prefixes = Prefixes(0)
    prefixes.of(np.arange(5, dtype=np.int64)).keep(5, place(5))
    assert prefixes.of(np.arange(5, dtype=np.int64)).known(5) == (0, None)
    assert prefixes.taken == 0
