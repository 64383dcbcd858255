"""Starting from another model's weights."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from tests.runs.helpers import finish
from understudy.cli.main import main
from understudy.errors import ConfigError
from understudy.model import file
from understudy.model.config import GATES
from understudy.model.parameters import network_of

if TYPE_CHECKING:
    from tests.runs.conftest import Opener


@pytest.fixture
def other_text(tmp_path: Path, text: Path) -> Path:
    path = tmp_path / "other.txt"
    path.write_text(text.read_text()[:5000] + "0Ωж漢", encoding="utf-8")
    return path


@pytest.fixture(params=["no n-grams", "n-grams"])
def learned(request: pytest.FixtureRequest, finished: Path, opened: "Opener") -> Path:
    """The folder of a finished run of two layers."""
    if request.param == "no n-grams":
        return finished
    session = opened(name="before", layers=2, ngrams=211)
    finish(session)
    session.close()
    return session.folder.path


def test_a_model_started_from_another_predicts_as_that_one_among_its_symbols(
    learned: Path, other_text: Path, opened: "Opener"
) -> None:
    old = file.read(learned)
    session = opened(other_text, name="next", layers=2, request={"origin": learned})
    assert session.facts.config.ngrams == old.config.ngrams
    before, now = network_of(old), session.trainer.network
    symbols = session.facts.vocabulary.characters
    assert set(symbols) == set(old.vocabulary.characters) | set("0Ωж漢")
    assert symbols == "".join(sorted(symbols))
    prompt = "The time and the place"
    known = [symbols.index(character) for character in old.vocabulary.characters]
    with torch.no_grad():
        theirs, _ = before(torch.from_numpy(old.vocabulary.encode(prompt))[:, None], before.zero_state(1))
        ours, _ = now(torch.from_numpy(session.facts.vocabulary.encode(prompt))[:, None], now.zero_state(1))
    torch.testing.assert_close(ours[..., known].log_softmax(-1), theirs.log_softmax(-1), atol=1e-5, rtol=0)
    new = [symbols.index(character) for character in "0Ωж漢"]
    assert (ours[..., new] < ours[..., known].amax(-1, keepdim=True)).all()


def test_a_model_started_from_another_says_which_characters_are_new(
    finished: Path, other_text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(other_text), "--from", str(finished), "--out", str(tmp_path / "next"), "--steps", "3"]
    assert main([*arguments, "--batch-size", "4", "--sequence-length", "16"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "new to the model" in line]
    for character in "0Ωж漢":
        assert f"'{character}' (U+{ord(character):04X})" in line
    model = file.read(tmp_path / "next")
    assert model.config.units == file.read(finished).config.units
    assert GATES[model.config.cell] == GATES[file.read(finished).config.cell]
    assert model.training["origin"]["steps"] == 30


def test_a_shape_that_contradicts_the_model_to_start_from_is_refused(
    finished: Path, other_text: Path, opened: "Opener"
) -> None:
    with pytest.raises(ConfigError, match="--units 13: the model to start from has 12"):
        opened(other_text, name="next", units=13, layers=2, request={"origin": finished})


def test_one_command_begins_from_a_model_and_goes_on_from_there(
    finished: Path, text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a launcher gives it again and again."""
    where = ["train", str(text), "--out", str(tmp_path / "run"), "--preset", "tiny", "--steps", "5", "--resume"]
    shape = ["--units", "12", "--embedding", "8", "--batch-size", "4", "--sequence-length", "16"]
    command = [*where, *shape, "--from", str(finished)]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 0
    assert "nothing is left to do" in capsys.readouterr().out
    assert main([*where, *shape, "--from", "none"]) == 2
    assert f"started with --from {finished}" in capsys.readouterr().err
    alone = [*where[:3], str(tmp_path / "alone"), *where[4:], *shape]
    assert main(alone) == 0
    assert main([*alone, "--from", "none"]) == 0
    capsys.readouterr()
    assert main([*alone, "--from", str(finished)]) == 2
    assert "started with --from none" in capsys.readouterr().err
