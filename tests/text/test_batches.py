import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.errors import TextError
from understudy.text.batches import Batch, Batches, Lanes, ShuffledChunks, permuted
from understudy.text.encoded import Ids


def counting(size: int) -> Ids:
    """Ids that are their own places, so that every batch tells where it was read."""
    return Ids(np.arange(size, dtype=np.uint32))


@dataclass
class Setting:
    """A text of `size` characters, read in batches of `width` sequences of at most `length` characters."""

    size: int
    width: int
    length: int

    def lanes(self) -> Lanes:
        return Lanes(counting(self.size), self.width, self.length)

    def chunks(self, seed: int = 0) -> ShuffledChunks:
        return ShuffledChunks(counting(self.size), self.width, self.length, seed)


@st.composite
def settings_for_lanes(draw: st.DrawFn) -> Setting:
    width, length = draw(st.integers(1, 8)), draw(st.integers(1, 20))
    return Setting(width * length + 1 + draw(st.integers(0, 300)), width, length)


@st.composite
def settings_for_chunks(draw: st.DrawFn) -> Setting:
    width, length = draw(st.integers(1, 8)), draw(st.integers(1, 20))
    return Setting(width * (length + 1) + draw(st.integers(0, 300)), width, length)


def epoch_of(batches: Batches, number: int = 0) -> list[Batch]:
    return [batches[number * batches.per_epoch + place] for place in range(batches.per_epoch)]


def same(one: Batch, other: Batch) -> bool:
    return (
        np.array_equal(one.inputs, other.inputs)
        and np.array_equal(one.targets, other.targets)
        and one.carry == other.carry
    )


def seed_of(*numbers: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(numbers)


# Lanes


@given(settings_for_lanes())
def test_every_target_in_lanes_is_the_successor_of_its_input(setting: Setting) -> None:
    for batch in epoch_of(setting.lanes()):
        assert batch.inputs.shape == batch.targets.shape
        assert batch.inputs.shape[1] == setting.width
        assert np.array_equal(batch.targets, batch.inputs + 1)


@given(settings_for_lanes())
def test_lanes_go_on_from_step_to_step(setting: Setting) -> None:
    epoch = epoch_of(setting.lanes())
    for before, after in pairwise(epoch):
        assert np.array_equal(after.inputs[0], before.targets[-1])


@given(settings_for_lanes())
def test_an_epoch_covers_every_place_of_every_lane_once(setting: Setting) -> None:
    lane = (setting.size - 1) // setting.width
    read = np.concatenate([batch.inputs for batch in epoch_of(setting.lanes())])
    assert np.array_equal(read, np.arange(lane)[:, None] + lane * np.arange(setting.width))


@given(settings_for_lanes())
def test_less_than_one_character_a_lane_is_left_over(setting: Setting) -> None:
    lanes = setting.lanes()
    assert lanes.characters_per_epoch == sum(batch.targets.size for batch in epoch_of(lanes))
    assert 0 <= setting.size - 1 - lanes.characters_per_epoch < setting.width


@given(settings_for_lanes())
def test_the_steps_of_an_epoch_differ_in_length_by_at_most_one(setting: Setting) -> None:
    lengths = [len(batch.inputs) for batch in epoch_of(setting.lanes())]
    assert max(lengths) <= setting.length
    assert max(lengths) - min(lengths) <= 1


@given(settings_for_lanes())
def test_an_epoch_takes_no_more_steps_than_it_must(setting: Setting) -> None:
    lanes = setting.lanes()
    lane = (setting.size - 1) // setting.width
    assert (lanes.per_epoch - 1) * setting.length < lane <= lanes.per_epoch * setting.length


@given(settings_for_lanes())
def test_a_state_is_only_carried_to_the_text_that_follows_what_it_read(setting: Setting) -> None:
    lanes = setting.lanes()
    follows = np.full(setting.width, -1)  # where the text goes on that each lane's state has read; -1 for none
    for step in range(3 * lanes.per_epoch):
        batch = lanes[step]
        if batch.carry == "zero":
            follows[:] = -1
        elif batch.carry == "shift":
            follows = np.concatenate([[-1], follows[:-1]])
        known = follows >= 0
        assert np.array_equal(batch.inputs[0, known], follows[known])
        epoch, place = divmod(step, lanes.per_epoch)
        assert known.sum() == (setting.width if place else setting.width - 1 if epoch else 0)
        follows = batch.targets[-1].copy()


@given(settings_for_lanes())
def test_lanes_start_from_zero_once_and_shift_at_every_later_epoch(setting: Setting) -> None:
    lanes = setting.lanes()
    for number, first in enumerate(("zero", "shift", "shift")):
        assert [batch.carry for batch in epoch_of(lanes, number)] == [first] + ["keep"] * (lanes.per_epoch - 1)


@given(settings_for_lanes(), st.integers(1, 5))
def test_every_epoch_reads_the_same_lanes(setting: Setting, number: int) -> None:
    lanes = setting.lanes()
    for one, other in zip(epoch_of(lanes), epoch_of(lanes, number), strict=True):
        assert np.array_equal(one.inputs, other.inputs)


def test_lanes_of_a_small_text_are_as_worked_out_by_hand() -> None:
    lanes = Lanes(counting(16), lanes=2, length=3)  # lanes of 7: 0 to 6 and 7 to 13, read in 3 steps
    first, second, third = epoch_of(lanes)
    assert first.inputs.tolist() == [[0, 7], [1, 8]]
    assert first.targets.tolist() == [[1, 8], [2, 9]]
    assert second.inputs.tolist() == [[2, 9], [3, 10]]
    assert third.inputs.tolist() == [[4, 11], [5, 12], [6, 13]]
    assert third.targets.tolist() == [[5, 12], [6, 13], [7, 14]]
    assert lanes[3].inputs.tolist() == first.inputs.tolist()


@pytest.mark.parametrize(("width", "length"), [(10, 100), (1, 1000), (1000, 1)])
def test_a_text_too_short_for_its_lanes_says_how_much_is_there_and_how_much_it_takes(width: int, length: int) -> None:
    assert Setting(1001, width, length).lanes().per_epoch == 1
    with pytest.raises(TextError) as raised:
        Setting(1000, width, length).lanes()
    message = str(raised.value)
    assert re.findall(r"[\d,]*\d", message) == ["1,000", str(width), str(length), "1,001"]
    assert "--batch-size" in message
    assert "--sequence-length" in message


# Shuffled chunks


@given(settings_for_chunks(), st.integers(0, 2**64))
def test_every_target_in_chunks_is_the_successor_of_its_input(setting: Setting, seed: int) -> None:
    for batch in epoch_of(setting.chunks(seed)):
        assert batch.inputs.shape == (setting.length, setting.width)
        assert np.array_equal(batch.targets, batch.inputs + 1)
        assert np.array_equal(batch.inputs, batch.inputs[0] + np.arange(setting.length)[:, None])


@given(settings_for_chunks(), st.integers(0, 2**64), st.integers(0, 3))
def test_an_epoch_takes_each_chunk_once_up_to_the_remainder(setting: Setting, seed: int, number: int) -> None:
    chunks = setting.chunks(seed)
    starts = np.concatenate([batch.inputs[0] for batch in epoch_of(chunks, number)])
    all_starts = range(0, setting.size - setting.length, setting.length + 1)
    assert set(starts.tolist()) <= set(all_starts)
    assert len(set(starts.tolist())) == len(starts)
    assert 0 <= len(all_starts) - len(starts) < setting.width
    assert chunks.characters_per_epoch == len(starts) * setting.length


def order(chunks: ShuffledChunks, number: int = 0) -> list[int]:
    return [int(start) for batch in epoch_of(chunks, number) for start in batch.inputs[0]]


def test_another_epoch_and_another_seed_give_another_order() -> None:
    setting = Setting(4000, 5, 7)
    orders = [order(setting.chunks(seed), number) for seed in (1, 2, 3) for number in (0, 1, 2)]
    assert len({tuple(one) for one in orders}) == 9
    assert all(sorted(one) == sorted(orders[0]) == list(range(0, 4000, 8)) for one in orders)
    assert sorted(orders[0]) not in orders


def test_the_same_seed_gives_the_same_order() -> None:
    setting = Setting(4000, 5, 7)
    assert order(setting.chunks(7), 3) == order(setting.chunks(7), 3)


def test_chunks_start_from_zero_in_each_epoch() -> None:
    chunks = Setting(100, 2, 9).chunks()
    assert chunks.per_epoch == 5
    assert [chunks[step].carry for step in range(10)] == (["zero"] + ["keep"] * 4) * 2


@pytest.mark.parametrize("size", [0, 7, 1099])
def test_a_text_too_short_for_one_batch_says_how_much_is_there_and_how_much_it_takes(size: int) -> None:
    assert Setting(1100, 10, 109).chunks().per_epoch == 1
    with pytest.raises(TextError) as raised:
        Setting(size, 10, 109).chunks()
    message = str(raised.value)
    assert re.findall(r"[\d,]*\d", message) == [f"{size:,}", str(size // 110), "110", "10"]
    assert "--batch-size" in message
    assert "--sequence-length" in message


# Both


@pytest.mark.parametrize("batches", [Setting(997, 3, 11).lanes(), Setting(997, 3, 11).chunks(5)])
def test_any_batch_can_be_asked_for_at_any_time(batches: Batches) -> None:
    in_order = [batches[step] for step in range(4 * batches.per_epoch)]
    for step in reversed(range(len(in_order))):
        assert same(batches[step], in_order[step])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_batches_are_of_one_type_whatever_the_text_is_kept_in(dtype: Any) -> None:
    ids = Ids(np.arange(100, dtype=dtype))
    for batches in (Lanes(ids, 2, 5), ShuffledChunks(ids, 2, 5, 0)):
        for batch in epoch_of(batches):
            assert batch.inputs.dtype == batch.targets.dtype == np.int64


# The permutation


def all_places(size: int, seed: np.random.SeedSequence) -> NDArray[np.int64]:
    return permuted(np.arange(size), size, seed)


@given(st.integers(1, 3000), st.integers(0, 2**64))
def test_permuted_is_a_permutation(size: int, seed: int) -> None:
    assert np.array_equal(np.sort(all_places(size, seed_of(seed))), np.arange(size))


@pytest.mark.parametrize("power", range(1, 9))
def test_permuted_is_a_permutation_around_powers_of_four(power: int) -> None:
    for size in (4**power - 1, 4**power, 4**power + 1):
        assert np.array_equal(np.sort(all_places(size, seed_of(power))), np.arange(size))


@given(st.integers(1, 500), st.data())
def test_permuted_sends_a_place_where_the_whole_permutation_sends_it(size: int, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, size - 1)))
    whole = all_places(size, seed_of(size))
    assert permuted(np.array(places, np.int64), size, seed_of(size)).tolist() == whole[places].tolist()


def test_permuted_needs_no_permutation_in_memory() -> None:
    size = 10**15
    places = np.arange(0, size, size // 1000)
    sent = permuted(places, size, seed_of(1))
    assert len(np.unique(sent)) == len(places)
    assert sent.min() >= 0
    assert sent.max() < size
    assert 0.4 * size < sent.mean() < 0.6 * size  # eleven standard errors of 1,000 even draws


def test_permuted_sends_two_neighbours_anywhere_with_equal_chance() -> None:
    size, draws = 5, 4000
    counts = np.zeros((size, size))
    for seed in range(draws):
        first, second = permuted(np.array([0, 1]), size, seed_of(seed))
        counts[first, second] += 1
    assert np.trace(counts) == 0
    expected = draws / (size * (size - 1))
    squares = (counts[~np.eye(size, dtype=bool)] - expected) ** 2 / expected
    assert squares.sum() < 43.8  # chi-squared with 19 degrees of freedom: one in a thousand is above it
