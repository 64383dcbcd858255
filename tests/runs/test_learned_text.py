"""The text that a model learned from, found again: what a run folder tells is a stranger's word."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runs.conftest import Opener
from tests.runs.helpers import finish
from understudy.errors import ConfigError, TextError
from understudy.model import file
from understudy.runs.material import TextOptions
from understudy.runs.origin import Learned, learned_text


@pytest.fixture
def own(text: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(text, tmp_path / "own.txt"))


@pytest.fixture
def run(own: Path, opened: Opener) -> Path:
    """The folder of a finished run on that text."""
    session = opened(own, steps=2)
    finish(session)
    session.close()
    return session.folder.path


def test_a_run_folder_tells_what_was_learned_and_not_what_was_held_back(run: Path, own: Path) -> None:
    model = file.read(run)
    learned, trouble, told = learned_text(model, run)
    assert told
    assert learned is not None
    assert trouble == ""
    whole = model.vocabulary.encode(own.read_text())
    assert 0 < len(learned) == model.training["corpus"]["train_characters"] < len(whole)
    np.testing.assert_array_equal(learned.read(0, len(learned)), whole[: len(learned)])
    assert learned_text(model, run / "model.safetensors") == Learned()
    named, *_ = learned_text(model, Path("elsewhere"), TextOptions((str(own),)))
    assert named is not None
    assert len(named) == len(learned)


@pytest.mark.parametrize("what", ["a pipe", "a device without an end", "a link to the memory of a process"])
def test_only_files_are_opened_for_a_run_folder(what: str, run: Path, own: Path) -> None:
    own.unlink()
    if what == "a pipe":
        os.mkfifo(own)
    else:
        own.symlink_to("/dev/zero" if what == "a device without an end" else "/proc/self/mem")
    assert learned_text(file.read(run), run) == Learned()


def test_no_more_is_read_than_the_model_says_there_was(run: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text goes on with 20 GB of one letter, as far as anybody reads."""
    model = file.read(run)
    read = 0

    class Endless:
        def __enter__(self) -> "Endless":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def read(self, size: int) -> bytes:
            nonlocal read
            read += size
            return b"a" * size if read < 20e9 else b""

        def seek(self, place: int) -> None:
            pass

    monkeypatch.setattr("understudy.text.source._at_once", lambda path: Endless())
    assert learned_text(model, run) == Learned()
    assert 0 < read < 20e6


def test_a_model_that_does_not_tell_its_text_has_no_baselines(run: Path, own: Path) -> None:
    model = file.read(run)
    told: list[dict[str, Any]] = [{}, {"corpus": None}, {"corpus": {}}, {"corpus": "a text"}]
    for training in told:
        silent = replace(model, training=training)
        assert learned_text(silent, run) == Learned(told=False)
        with pytest.raises(ConfigError, match="does not tell"):
            learned_text(silent, run, TextOptions((str(own),)))


def test_what_the_user_names_must_be_there_and_be_the_text(run: Path, own: Path, text: Path) -> None:
    model = file.read(run)
    with pytest.raises(TextError, match="no such file"):
        learned_text(model, run, TextOptions((str(own) + "2",)))
    own.write_text(text.read_text() + "more")
    with pytest.raises(ConfigError, match="not the text that the model learned from"):
        learned_text(model, run, TextOptions((str(own),)))


def test_no_digest_reaches_the_terminal_as_it_is(run: Path, own: Path) -> None:
    model = file.read(run)
    told = {**model.training["corpus"], "sha256": "\x1b]0;taken over\x07"}
    with pytest.raises(ConfigError) as raised:
        learned_text(replace(model, training={"corpus": told}), run, TextOptions((str(own),)))
    assert "\x1b" not in str(raised.value)


def test_what_is_wrong_with_the_checkpoints_is_told(run: Path) -> None:
    model = file.read(run)
    for path in (run / "checkpoint").iterdir():
        path.write_bytes(b"not ours")
    learned, trouble, _ = learned_text(model, run)
    assert learned is None
    assert "no checkpoint is intact" in trouble
