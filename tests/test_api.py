"""The library as a program uses it."""

import copy
import pickle
from pathlib import Path
from typing import Any, Literal

import pytest

import understudy
from understudy import UserError

TINY: dict[str, Any] = {"preset": "tiny", "steps": 6, "units": 8, "embedding": 4, "precision": "float32"}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "rhyme.txt"
    path.write_text("Row, row, row your boat, gently down the stream.\n" * 60)
    return path


def test_trained_loaded_and_resumed_models_write_the_same(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trained = understudy.train(text, out=out, **TINY)
    written = trained.generate("Row", length=80, seed=3)
    assert len(written) == 80
    assert set(written) <= set(text.read_text())
    assert understudy.load(out).generate("Row", length=80, seed=3) == written
    assert understudy.train(out=out, resume=True).generate("Row", length=80, seed=3) == written


def test_resuming_compares_what_is_asked_with_the_run(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    understudy.train(text, out=out, **TINY)
    with pytest.raises(UserError, match="--vocabulary characters, not bytes"):
        understudy.train(text, out=out, resume=True, vocabulary="bytes")
    with pytest.raises(UserError, match="--units 8, not 9"):
        understudy.train(text, out=out, resume=True, units=9)


def test_a_refused_run_lets_its_folder_go(text: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UserError, match="characters"):
        understudy.train(text, out=out, **(TINY | {"sequence_length": 10**6}))
    understudy.train(text, out=out, **TINY)


def test_reading_options_reach_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes("Füße\r\n".encode("latin-1") * 200)
    model = understudy.train(tmp_path, globs=["*.md"], encoding="latin-1", newlines="lf", out=tmp_path / "run", **TINY)
    assert model.vocabulary.characters == "\nFeßü"


def test_both_precisions_write_and_evaluation_names_its_protocol(text: Path, tmp_path: Path) -> None:
    understudy.train(text, out=tmp_path / "run", **TINY)
    precisions: tuple[Literal["int8", "float32"], ...] = ("int8", "float32")
    for precision in precisions:
        model = understudy.load(tmp_path / "run", precision=precision)
        assert len(model.generate(length=50, seed=1)) == 50
        score = model.evaluate(text.read_text(), protocol="windowed", window=32)
        assert (score.protocol, score.window, score.characters) == ("windowed", 32, len(text.read_text()) - 1)


def test_what_a_model_of_bytes_writes_can_be_had_as_bytes(tmp_path: Path) -> None:
    """A text that is not UTF-8: what is shown is U+FFFD, what was drawn are its bytes."""
    source = bytes([0xFF, 0xFE, 0xC3, 0x28]) * 3000
    (tmp_path / "text.bin").write_bytes(source)
    model = understudy.train(
        tmp_path / "text.bin", out=tmp_path / "run", preset="tiny", vocabulary="bytes", steps=150, learning_rate=0.02
    )
    (sample,) = model.samples(length=40, seed=3, temperature=0)
    assert sample.data in source
    assert len(sample.data) == 40
    assert sample.data.decode("utf-8", "replace") == sample.text
    stream = model.stream(length=40, seed=3, temperature=0)
    pieces = "".join(stream)
    assert (stream.data, pieces) == (sample.data, sample.text)


def test_a_model_of_characters_gives_its_text_in_utf8() -> None:
    (sample,) = understudy.load("@shakespeare").samples(length=30, seed=1)
    assert sample.data == sample.text.encode()


def test_a_model_that_only_writes_writes_the_same_and_says_what_it_cannot(tmp_path: Path) -> None:
    whole, light = understudy.load("@shakespeare"), understudy.load("@shakespeare", only_writes=True)
    expected = whole.generate("A", length=30, seed=1)
    for model in (light, copy.deepcopy(light), pickle.loads(pickle.dumps(light))):
        assert model.generate("A", length=30, seed=1) == expected
    with pytest.raises(UserError, match="only_writes=False"):
        light.evaluate("To be, or not to be")
    with pytest.raises(UserError, match="only_writes=False"):
        light.export("html", tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
