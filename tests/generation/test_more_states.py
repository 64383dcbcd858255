"""States and texts under way are values: they can be copied, and what is no state is refused in one line."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from understudy.api import Model
from understudy.errors import ConfigError
from understudy.generation.stream import Plan, StreamState
from understudy.samples import MOST_SAMPLES


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda stream: pickle.loads(pickle.dumps(stream))])
@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_a_text_under_way_can_be_copied_and_both_go_on_to_the_same_end(
    duplicate: Any, pieces: int, model: Model
) -> None:
    whole = model.generate("abc", length=150, seed=4)
    stream = model.stream("abc", length=150, seed=4)
    for _ in range(pieces):
        next(stream)
    other = duplicate(stream)
    assert other.text == stream.text
    before = stream.text
    assert before + "".join(other) == whole
    assert stream.text == before
    assert before + "".join(stream) == whole
    assert (stream.finish_reason, other.finish_reason) == ("length", "length")


def test_texts_side_by_side_that_are_left_and_taken_up_again_come_to_the_same_end(model: Model) -> None:
    writing = model.writing(model.start("abc", seed=4), 5, Plan(150, stop=("a",)))
    for _ in range(7):
        next(iter(writing))
    other = copy.deepcopy(writing)
    for one in (writing, other):
        list(one)
        assert list(one) == [], "what has ended writes no more"
        assert one.texts == [model.generate("abc", length=150, seed=seed, stop="a") for seed in range(4, 9)]


@pytest.mark.parametrize(
    "change",
    [
        {"layers": None},
        {"layers": 3},
        {"layers": ([[1], [1, 2]],)},
        {"logits": None},
        {"logits": np.full(9, np.nan, np.float32)},
        {"pending": None},
        {"pending": 3},
        {"pending": "a"},
        {"drawn": 1 << 64},
        {"drawn": None},
        {"seed": None},
    ],
    ids=str,
)
def test_what_is_no_state_is_refused(change: dict[str, Any], model: Model) -> None:
    state = replace(model.start("abc", seed=4), **change)
    for write in (model.generate, model.samples, lambda given: model.writing(given, 1, Plan(3))):
        with pytest.raises(ConfigError, match=r"^--(start|seed)"):
            write(state)


def test_a_state_with_numbers_that_are_not_finite_is_refused(model: Model) -> None:
    state = model.start("abc", seed=4)
    for worse in (
        replace(state, logits=np.full_like(state.logits, np.inf)),
        replace(state, layers=tuple(np.full_like(part, np.nan) for part in state.layers)),
    ):
        with pytest.raises(ConfigError, match="not finite"):
            model.generate(worse)


def test_a_state_s_whole_numbers_may_be_numpy_s(model: Model) -> None:
    state = replace(model.start("abc", seed=4), drawn=3)
    given = StreamState(state.layers, state.logits, np.uint8(4), np.uint8(3))  # type: ignore[arg-type]
    assert model.generate(given, length=30) == model.generate(state, length=30)


@pytest.mark.parametrize("count", [MOST_SAMPLES + 1, 10**400, 10**5000], ids=["one", "digits", "no digits"])
def test_more_texts_than_memory_holds_are_refused_at_once(count: int, model: Model) -> None:
    with pytest.raises(ConfigError, match=r"^--samples .*: at most 1,048,576 are written side by side$"):
        model.samples("a", count)


def test_the_last_seed_is_the_last_and_the_line_says_so(model: Model) -> None:
    last = (1 << 64) - 1
    assert [sample.seed for sample in model.samples("a", 2, seed=last - 1, length=3)] == [last - 1, last]
    with pytest.raises(ConfigError, match=rf"^--samples 2: .* --seed {last} .*give a smaller --seed$"):
        model.samples("a", 2, seed=last)
