"""One record of what was asked: both runs of `--use-all-text`, and every later sitting, are made from it."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runs.test_ownership import RECIPE, everything, train
from understudy.layout import HELD_BACK
from understudy.model import file
from understudy.storage import sha256_of

if TYPE_CHECKING:
    from tests.processes.starting import Launcher

WHOLE = (*RECIPE, "--use-all-text", "--validation", "0.3", "--checkpoint-every", "2", "--keep", "9")
LATIN = "Où est l'âme? Là-bas, à côté de la forêt.\r\n" * 300


@pytest.fixture
def place(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the text in it."""
    shutil.copy(text, tmp_path / "text.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def model(run: str) -> bytes:
    return (Path(run) / "model.safetensors").read_bytes()


def back_to(run: str, part: str, step: int) -> None:
    """Put a run of two where it stood after some steps of the first or of the second."""
    for folder in (Path(run), *([Path(run) / HELD_BACK] if part == HELD_BACK else [])):
        keep = step if folder.name == (HELD_BACK if part == HELD_BACK else run) else -1
        for path in (folder / "checkpoint").glob("step-*.safetensors"):
            if int(path.stem.removeprefix("step-")) > keep:
                path.unlink()
    if part == HELD_BACK:
        for name in ("model.safetensors", "metrics.jsonl", "samples.txt", "report.html"):
            (Path(run) / name).unlink(missing_ok=True)


PARTS = [(HELD_BACK, 2), pytest.param(HELD_BACK, 6, marks=pytest.mark.slow), ("", 2)]
"""In the first run, between the two, and in the second."""


@pytest.mark.parametrize("named", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize(("part", "step"), PARTS)
def test_encoding_newlines_and_vocabulary_hold_in_both_runs_and_after_every_interruption(
    part: str, step: int, named: bool, place: Path
) -> None:
    Path("latin.txt").write_bytes(LATIN.encode("latin-1"))
    how = ("--encoding", "latin-1", "--newlines", "lf")
    assert train("latin.txt", "--out", "whole", *WHOLE, *how) == 0
    assert "\r" not in file.read("whole").vocabulary.characters
    shutil.copytree("whole", "parts")
    back_to("parts", part, step)
    assert train(*(["latin.txt"] if named else []), "--out", "parts", "--resume", "--quiet") == 0
    assert model("parts") == model("whole")


@pytest.mark.parametrize(("part", "step"), PARTS)
def test_the_same_command_with_resume_goes_on_in_either_run(part: str, step: int, place: Path) -> None:
    assert train("text.txt", "--out", "whole", *WHOLE) == 0
    shutil.copytree("whole", "parts")
    back_to("parts", part, step)
    assert train("text.txt", "--out", "parts", *WHOLE, "--resume") == 0
    assert model("parts") == model("whole")


def test_another_setting_is_refused_in_either_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("text.txt", "--out", "run", *WHOLE) == 0
    for part in ("second", "first"):
        if part == "first":
            back_to("run", HELD_BACK, 2)
        before = everything(Path("run"))
        for flags, said in (
            (("--steps", "7"), "--steps 6, not 7"),
            (("--validation", "0.2"), "--validation 0.3, not 0.2"),
            (("--newlines", "lf"), "--newlines keep, not lf"),
            (("--glob", "*.md"), "--glob"),
        ):
            assert train("--out", "run", "--resume", *flags) == 2, part
            assert said in capsys.readouterr().err
            assert everything(Path("run")) == before


def test_resume_in_a_fresh_folder_begins_what_was_asked_for(place: Path) -> None:
    assert train("text.txt", "--out", "whole", *WHOLE) == 0
    assert train("text.txt", "--out", "fresh", *WHOLE, "--resume") == 0
    assert model("fresh") == model("whole")
    assert "held_back" in file.read("fresh").training


def test_a_plain_run_is_not_turned_into_two(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    assert train("--out", "run", "--resume", "--use-all-text") == 2
    assert "without --use-all-text" in capsys.readouterr().err


@pytest.mark.parametrize(("part", "step"), PARTS)
def test_the_second_run_starts_from_the_model_that_was_named(part: str, step: int, place: Path) -> None:
    assert train("text.txt", "--out", "origin", *RECIPE, "--seed", "9") == 0
    assert train("text.txt", "--out", "whole", *WHOLE, "--from", "origin") == 0
    assert train("text.txt", "--out", "anew", *WHOLE) == 0
    assert model("whole") != model("anew")
    told = {"name": "text", "steps": 6, "sha256": sha256_of(file.find("origin"))}
    assert file.read("whole").training["origin"] == told
    shutil.copytree("whole", "parts")
    back_to("parts", part, step)
    assert train("--out", "parts", "--resume", "--quiet") == 0
    assert model("parts") == model("whole")


def test_a_model_to_start_from_that_changed_or_went_is_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("text.txt", "--out", "origin", *RECIPE, "--seed", "9") == 0
    assert train("text.txt", "--out", "run", *WHOLE, "--from", "origin") == 0
    back_to("run", HELD_BACK, 6)
    assert train("text.txt", "--out", "origin", *RECIPE, "--seed", "8", "--overwrite") == 0
    assert train("--out", "run", "--resume") == 2
    assert "origin" in capsys.readouterr().err
    shutil.rmtree("origin")
    assert train("--out", "run", "--resume") == 2
    assert "origin" in capsys.readouterr().err


def test_a_run_of_two_does_not_begin_in_the_place_of_the_model_that_it_starts_from(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    before = everything(Path("run"))
    assert train("text.txt", "--out", "run", *WHOLE, "--from", "run", "--overwrite") == 2
    assert "another --out" in capsys.readouterr().err
    assert everything(Path("run")) == before
    assert train("text.txt", "--out", "run", *RECIPE, "--from", "run", "--overwrite") == 0, "one run may"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["standard input", "a pipe"])
def test_both_runs_learn_what_can_be_read_only_once(kind: str, launcher: "Launcher", place: Path) -> None:
    data = Path("text.txt").read_bytes()
    assert train("text.txt", "--out", "plain", *WHOLE) == 0
    if kind == "standard input":
        sitting = launcher.start(place, "train", "-", "--out", "run", *WHOLE, stdin=str(place / "text.txt"))
    else:
        os.mkfifo("pipe")
        sitting = launcher.start(place, "train", "pipe", "--out", "run", *WHOLE)
        Path("pipe").write_bytes(data)
    assert sitting.wait() == 0, sitting.stderr.read_text()
    mine, wanted = file.read("run"), file.read("plain")
    assert all((mine.tensors[name] == wanted.tensors[name]).all() for name in wanted.tensors)
    back_to("run", HELD_BACK, 6)
    again = launcher.start(place, "train", "-", "--out", "run", "--resume", stdin=str(place / "text.txt"))
    assert again.wait() == 0, again.stderr.read_text()
    assert (file.read("run").tensors["output.weight"] == wanted.tensors["output.weight"]).all()


@pytest.mark.parametrize("validation", [False, True])
def test_texts_that_have_moved_are_named_and_the_run_goes_on_to_the_same_bytes(
    validation: bool, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("held.txt").write_text("A text to look at, which is not so long. " * 20)
    how = ("--validation", "held.txt") if validation else ()
    recipe = (*RECIPE, "--checkpoint-every", "2", "--keep", "9")
    assert train("text.txt", "--out", "run", *recipe, *how) == 0
    expected = model("run")
    back_to("run", "", 2)
    Path("moved").mkdir()
    for name in ("text.txt", *(["held.txt"] if validation else [])):
        Path(name).rename(Path("moved") / f"renamed-{name}")
    assert train("--out", "run", "--resume") == 2
    said = capsys.readouterr().err
    assert "understudy train TEXT --out run --resume" in said
    where = ("--validation", "moved/renamed-held.txt") if validation else ()
    assert train("moved/renamed-text.txt", "--out", "run", "--resume", *where) == 0
    assert model("run") == expected
    back_to("run", "", 4)
    assert train("--out", "run", "--resume", "--quiet") == 0, "where they are now is kept"
    assert model("run") == expected


def test_another_validation_file_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "other"):
        Path(name).write_text(f"The {name} text to look at. " * 20)
    assert train("text.txt", "--out", "run", *RECIPE, "--validation", "one") == 0
    assert train("--out", "run", "--resume", "--validation", "other") == 2
    assert "the validation file is not the one" in capsys.readouterr().err
    assert train("text.txt", "--out", "shared", *RECIPE) == 0
    assert train("--out", "shared", "--resume", "--validation", "one") == 2
    assert "started without --validation, not with " in capsys.readouterr().err


@pytest.mark.parametrize("flags", [("--encoding", "latin-1"), ("--newlines", "lf"), ("--vocabulary", "bytes")])
def test_reading_flags_without_a_text_are_held_against_the_run(
    flags: tuple[str, str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    assert train("--out", "run", "--resume", *flags) == 2
    assert f"not {flags[1]}" in capsys.readouterr().err


def test_a_finished_run_that_is_asked_for_more_says_how_more_is_had(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    assert train("--out", "run", "--resume") == 0
    assert "understudy train TEXT --from run" in capsys.readouterr().out
    assert train("--out", "run", "--resume", "--steps", "12") == 2
    assert "--from run keeps what was learned" in capsys.readouterr().err


def test_a_model_without_checkpoints_is_not_begun_anew(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    shutil.rmtree(Path("run") / "checkpoint")
    before = everything(Path("run"))
    assert train("text.txt", "--out", "run", *RECIPE, "--resume") == 2
    assert "holds a model, but no checkpoint" in capsys.readouterr().err
    assert everything(Path("run")) == before
