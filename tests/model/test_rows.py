"""A model's rows under another vocabulary."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.generation.conftest import model_file
from understudy.model.container import Tensors
from understudy.model.file import ModelFile
from understudy.model.rows import rows_for
from understudy.text.vocabulary import Vocabulary

NAMES = ("embedding.weight", "output.weight", "output.bias")
OLD = "\n !'-.0123ABEabeo"


@pytest.fixture
def model() -> ModelFile:
    return model_file("lstm", 1, Vocabulary.of_text(OLD))


def rows(model: ModelFile, characters: str, counts: dict[str, int] | None = None) -> tuple[Vocabulary, Tensors]:
    vocabulary = Vocabulary.of_text(characters)
    times = np.array([(counts or {}).get(symbol, 10) for symbol in vocabulary.characters], np.int64)
    fresh = np.random.default_rng(0).normal(size=(len(vocabulary), model.config.embedding)).astype(np.float32)
    return vocabulary, rows_for(vocabulary, times, model, fresh)


def of(vocabulary: Vocabulary, tensor: NDArray[Any], character: str) -> NDArray[Any]:
    found: NDArray[Any] = tensor[vocabulary.characters.index(character)]
    return found


def test_what_a_model_knows_keeps_its_rows_and_what_a_text_lacks_goes(model: ModelFile) -> None:
    vocabulary, made = rows(model, "bae ")
    for name in NAMES:
        assert made[name].shape == (4, *model.tensors[name].shape[1:])
        for character in "bae ":
            np.testing.assert_array_equal(
                of(vocabulary, made[name], character), of(model.vocabulary, model.tensors[name], character)
            )


@pytest.mark.parametrize(
    ("new", "relative"),
    [("é", "e"), ("É", "E"), ("’", "'"), ("—", "-"), ("O", "o"), ("\t", " "), ("\u00a0", " "), ("…", "."), ("ö", "o")],
)
def test_a_new_character_begins_as_its_nearest_relative(model: ModelFile, new: str, relative: str) -> None:
    vocabulary, made = rows(model, OLD + new)
    for name in NAMES[:2]:
        np.testing.assert_array_equal(of(vocabulary, made[name], new), of(vocabulary, made[name], relative))


def test_a_new_character_without_one_begins_as_its_kind_and_unlike_its_neighbours(model: ModelFile) -> None:
    vocabulary, made = rows(model, OLD + "78漢字")
    digits = [of(vocabulary, made["output.weight"], digit) for digit in "0123"]
    for digit in "78":
        np.testing.assert_allclose(of(vocabulary, made["output.weight"], digit), np.mean(digits, 0), rtol=1e-5)
    for pair in ("78", "漢字"):
        first, second = (of(vocabulary, made["embedding.weight"], character) for character in pair)
        assert not np.array_equal(first, second)


def test_a_new_character_is_as_much_rarer_than_its_relative_as_in_the_text(model: ModelFile) -> None:
    vocabulary, made = rows(model, OLD + "é", {"e": 300, "é": 3})
    difference = of(vocabulary, made["output.bias"], "é") - of(vocabulary, made["output.bias"], "e")
    assert float(difference) == pytest.approx(np.log(3 / 300), abs=1e-5)


def test_no_new_character_begins_more_probable_than_what_is_known(model: ModelFile) -> None:
    _, made = rows(model, OLD + "漢é", {"漢": 10**9, "é": 10**9})
    assert made["output.bias"].max() <= model.tensors["output.bias"].max()


def test_a_text_in_another_script_has_rows_all_the_same(model: ModelFile) -> None:
    vocabulary, made = rows(model, "漢字かな")
    for name in NAMES:
        assert len(made[name]) == len(vocabulary)
        assert np.isfinite(made[name]).all()
