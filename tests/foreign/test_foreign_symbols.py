"""Which symbols an imported model's ids stand for: a text's characters, or a list in any order."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.foreign.makers import ALPHABET, FIXTURES
from understudy.errors import ConfigError, TextError
from understudy.foreign.importing import import_weights
from understudy.foreign.symbols import of_list
from understudy.text.vocabulary import Vocabulary

MODEL = FIXTURES / "torch-gru2.safetensors"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(ALPHABET[::-1] * 3)
    return path


def test_a_texts_characters_are_sorted_by_code_point(text: Path) -> None:
    told, listed = import_weights(MODEL, texts=text).model, import_weights(MODEL, vocabulary=ALPHABET).model
    assert told.vocabulary.characters == ALPHABET == "".join(sorted(set(text.read_text())))
    for name, tensor in told.tensors.items():
        assert np.array_equal(tensor, listed.tensors[name])


def test_symbols_in_another_order_take_their_vectors_along() -> None:
    order = np.random.default_rng(3).permutation(11)
    mixed = [ALPHABET[place] for place in order]
    plain, moved = import_weights(MODEL, vocabulary=ALPHABET).model, import_weights(MODEL, vocabulary=mixed).model
    assert moved.vocabulary == plain.vocabulary
    for number, symbol in enumerate(mixed):
        place = ALPHABET.index(symbol)
        for name in ("embedding.weight", "output.weight", "output.bias"):
            assert np.array_equal(moved.tensors[name][place], plain.tensors[name][number])
    assert np.array_equal(moved.tensors["layers.1.weight_hh"], plain.tensors["layers.1.weight_hh"])


@pytest.mark.parametrize("nothing", ["[UNK]", "<pad>", "", None])
def test_a_symbol_that_no_text_has_is_left_out_and_said(nothing: str | None) -> None:
    listed = [ALPHABET[0], nothing, *ALPHABET[1:10]]
    imported, plain = import_weights(MODEL, vocabulary=listed), import_weights(MODEL, vocabulary=ALPHABET).model
    assert imported.model.config.vocabulary == len(imported.model.vocabulary) == 10
    assert any("left out" in note and "(id 1)" in note for note in imported.notes)
    for name in ("embedding.weight", "output.weight", "output.bias"):
        assert np.array_equal(imported.model.tensors[name], np.delete(plain.tensors[name], 1, axis=0))


def test_numbers_are_bytes_in_any_order() -> None:
    order = np.random.default_rng(4).permutation(256)
    found = of_list([int(number) for number in order], 256)
    assert found.vocabulary == Vocabulary.of_bytes()
    assert np.array_equal(order[found.order], np.arange(256, dtype=np.int64))


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (list(ALPHABET[:-1]), "10 symbols, and the model has 11"),
        ([*ALPHABET, "z"], "12 symbols, and the model has 11"),
        ([*ALPHABET[:-1], "\n"], "is both symbol 0 and 10"),
        ([*ALPHABET[:-1], "yz"], "symbol 10 is 'yz'"),
        ([*ALPHABET[:-1], 7], "symbol 10 is 7"),
        ([*ALPHABET[:-1], "\ud800"], "half of a character"),
        ([None] * 11, "distinct characters"),
        (list(range(11)), "each of the 256 bytes once"),
        ({"a": 1}, "expected a JSON list"),
        (3, "expected a JSON list"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(listed: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "symbols.json"
    path.write_text(json.dumps(listed))
    with pytest.raises(ConfigError) as raised:
        import_weights(MODEL, vocabulary=path)
    line = str(raised.value)
    assert line.startswith(f"--vocabulary {path}: ")
    assert said in line
    assert line.isprintable()


@pytest.mark.parametrize("content", [b"", b"a b c", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "symbols.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="not JSON in UTF-8; expected a JSON list"):
        import_weights(MODEL, vocabulary=path)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        import_weights(MODEL, vocabulary=tmp_path / "none.json")
    with pytest.raises(ConfigError, match="this is a folder"):
        import_weights(MODEL, vocabulary=tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("abc", "3 distinct characters, and the model has 11 symbols; name the text that it learned from"),
        (ALPHABET[1:], r"10 distinct characters, and the model has 11 symbols; one more, as StringLookup's \[UNK\] is"),
        (ALPHABET + "\r\n", "12 distinct characters, and the model has 11 symbols; --newlines lf"),
    ],
)
def test_a_text_of_another_number_of_characters_is_refused(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(content, newline="")
    with pytest.raises(ConfigError, match=said):
        import_weights(MODEL, texts=[path])


def test_line_ends_are_read_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(ALPHABET + "\r\n", newline="", encoding="utf-16")
    assert import_weights(MODEL, texts=[path], encoding="utf-16", newlines="lf").model.vocabulary.characters == ALPHABET


def test_one_of_text_and_vocabulary_is_needed(text: Path) -> None:
    said = r"of 11 symbols.*--text TEXT, or .* --vocabulary FILE"
    with pytest.raises(ConfigError, match=said):
        import_weights(MODEL)
    with pytest.raises(ConfigError, match=said):
        import_weights(MODEL, texts=[text], vocabulary=ALPHABET)
    with pytest.raises(TextError, match="no such file"):
        import_weights(MODEL, texts="nowhere.txt")
