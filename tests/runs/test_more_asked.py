"""What a later sitting is asked and told: other texts that are read once, other files that are gone."""

import io
import shutil
import sys
from pathlib import Path

import pytest

from tests.runs.test_ownership import RECIPE, train
from understudy.errors import StorageError
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session

LAST = "step-000000000006.safetensors"


@pytest.fixture
def place(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a text and one to look at the model with."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(text, "text.txt")
    Path("look.txt").write_bytes(text.read_bytes()[:2000])
    return tmp_path


def comes_in(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard input be what is in a file."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(path).read_bytes())))


def unfinished(*arguments: object) -> Path:
    """A run in `run` whose last step is not done."""
    assert train("text.txt", "--out", "run", *RECIPE, "--checkpoint-every", "3", *arguments) == 0
    Path("run/checkpoint", LAST).unlink()
    return Path("run")


def test_standard_input_is_one_text(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for texts in (["-", "-"], ["-", "--validation", "-"], ["-", "text.txt", "-"]):
        comes_in("text.txt", monkeypatch)
        assert train(*texts, "--out", "run", *RECIPE) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "- is named twice, and standard input can be read only once; give one of them as a file" in line
        assert not Path("run").exists()


def test_a_validation_text_from_standard_input_is_given_again(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    comes_in("look.txt", monkeypatch)
    whole = unfinished("--validation", "-") / "model.safetensors"
    model = whole.read_bytes()
    comes_in("look.txt", monkeypatch)
    assert train("--out", "run", "--resume") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        "where the validation file of this run has moved, name it: understudy train --validation FILE --out run "
        "--resume"
    )
    whole.unlink()
    assert train("--validation", "-", "--out", "run", "--resume", "--quiet") == 0
    assert whole.read_bytes() == model
    request = Request(TextOptions(("text.txt",), validation_file="-"), out=Path("run"))
    assert Session(request).resume_command == "understudy train --validation - --out run --resume"


def test_a_text_that_is_gone_is_named_as_what_it_was(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unfinished("--validation", "look.txt")
    Path("look.txt").rename("moved.txt")
    assert train("--out", "run", "--resume") == 2
    assert "name it: understudy train --validation FILE --out run --resume" in capsys.readouterr().err
    assert train("--out", "run", "--resume", "--validation", "moved.txt") == 0


@pytest.mark.parametrize("done", [True, False])
def test_where_a_growing_file_is_gone_it_begins_anew_and_the_run_goes_on_as_often_as_it_stops(
    done: bool, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = unfinished()
    if done:
        assert train("--out", "run", "--resume", "--quiet") == 0
    model = (run / "model.safetensors").read_bytes()
    (run / "metrics.jsonl").unlink()
    if not done:  # a sitting that ends after a step, without a checkpoint
        session = _resumed(run)
        next(report for report in session.reports() if report is not None)
        session.close()
        assert (run / "metrics.jsonl").stat().st_size > 0
    assert train("--out", "run", "--resume", *(("--json",) if done else ())) == 0
    assert ("metrics.jsonl of this run is gone, and begins anew" in capsys.readouterr().err) is done
    assert train("--out", "run", "--resume", "--quiet") == 0
    assert (run / "model.safetensors").read_bytes() == model


def _resumed(run: Path) -> Session:
    session = Session(Request(None, out=run, resume=True))
    said = list(session.prepare())
    assert "note: metrics.jsonl of this run is gone, and begins anew" in said
    return session


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--minutes", "1"), "this run was started without --minutes, not with 1.0; leave the flag out"),
        (("--validation", "look.txt"), "this run was started without --validation, not with "),
        (("--glob", "*.md"), "this run was started without --glob, not with *.md; leave the flag out"),
        (("--seed", "5"), "this run was started with --seed 0, not 5; leave the flag out"),
    ],
)
def test_what_a_run_was_started_without_is_told_as_that(
    flags: tuple[str, ...], said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished()
    assert train("--out", "run", "--resume", *flags) == 2
    assert said in capsys.readouterr().err


def test_minutes_too_few_for_two_runs_are_told_as_they_were_given(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = RECIPE[: RECIPE.index("--steps")]
    assert train("text.txt", "--out", "run", *recipe, "--minutes", "0.06", "--use-all-text") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--minutes 0.06 is too short for two runs; expected at least 0.11" in line
    assert not Path("run").exists()


@pytest.mark.parametrize("share", ["0.1", "0.2"])
def test_a_share_is_not_what_a_run_with_a_validation_file_was_started_with(
    share: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default share neither, although the recipe has it."""
    unfinished("--validation", "look.txt")
    assert train("--out", "run", "--resume", "--validation", share) == 2
    assert f"started with --validation {place / 'look.txt'}, not {share}" in capsys.readouterr().err


def test_where_a_run_folder_may_not_be_written_the_line_says_what_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another user meets it, whom root in a container cannot be."""
    run = unfinished()

    def refused(lock: object, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(run / ".lock"))

    monkeypatch.setattr("understudy.runs.folder.FileLock.acquire", refused)
    with pytest.raises(StorageError, match=r"cannot keep a run in run: run/\.lock: Permission denied; choose another"):
        list(Session(Request(None, out=run, resume=True)).prepare())
