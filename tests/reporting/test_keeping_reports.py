"""A report is a run's file as the others are: what no run made stays, and what cannot be written costs nothing."""

import errno
from pathlib import Path

import pytest

from tests.reporting.reading import Report
from tests.runs.conftest import some_text
from understudy.api import train
from understudy.cli.main import main
from understudy.errors import ConfigError, StorageError
from understudy.layout import HELD_BACK, REPORT
from understudy.model import file
from understudy.outputs import check_free
from understudy.reporting import writing
from understudy.runs import ownership
from understudy.runs.marked import Mark, mark_of, marked
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session

TINY = ("--preset", "tiny", "--units", "8", "--batch-size", "4", "--steps", "6", "--evaluate-every", "3", "--quiet")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a text in it."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(some_text(4_000), encoding="utf-8")
    return tmp_path


def run(*more: str) -> int:
    return main(["train", "text.txt", "--out", "run", *TINY, *more])


def resume() -> int:
    return main(["train", "--out", "run", "--resume", "--quiet"])


def test_a_report_is_known_by_the_digest_of_all_of_it() -> None:
    data = marked("<p>some page, é</p>\n", Mark(3, 10))
    assert mark_of(data) == Mark(3, 10)
    for place in range(0, len(data), 7):
        assert mark_of(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) is None
    for other in (b"", data[:-1], data + b"\n", data[1:], data + data, b"<p>a user's</p>\n", b"<!-- " * 99):
        assert mark_of(other) is None


def test_what_somebody_wrote_into_a_report_makes_it_theirs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--checkpoint-every", "3") == 0
    Path("run/checkpoint/step-000000000006.safetensors").unlink()
    page = Path("run", REPORT)
    assert ownership.report_in(Path("run")) == Mark(6, 6)
    changed = page.read_text().replace("<h1>", "<h1>Mine: ")
    page.write_text(changed)
    for again in (resume, lambda: run("--overwrite"), lambda: run("--overwrite", "--use-all-text")):
        assert again() == 2
        assert f"run/{REPORT}: this is not what a run of Understudy wrote here" in capsys.readouterr().err
        assert page.read_text() == changed
    page.unlink()
    assert resume() == 0
    assert ownership.report_in(Path("run")) == Mark(6, 6)


def test_a_text_by_that_name_is_not_learned_from_and_lost(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    before = Path("run", REPORT).read_bytes()
    assert main(["train", f"run/{REPORT}", "--out", "run", "--overwrite", *TINY]) == 2
    assert "would overwrite this text" in capsys.readouterr().err
    assert Path("run", REPORT).read_bytes() == before


def test_nothing_else_takes_its_place(place: Path) -> None:
    assert run() == 0
    with pytest.raises(ConfigError, match="belongs to the run"):
        check_free("--out", Path("run", REPORT), overwrite=True)


def test_with_an_old_run_goes_its_report(place: Path) -> None:
    assert run("--use-all-text", "--validation", "0.3") == 0
    assert Report(Path("run", REPORT)).parts["page"]
    assert Path("run", HELD_BACK, REPORT).is_file()
    old = Path("run", REPORT).read_bytes()
    settings = {"units": 9, "batch_size": 4, "steps": 6}
    session = Session(Request(TextOptions(("text.txt",)), "tiny", settings, Path("run"), overwrite=True))
    assert list(session.prepare())
    session.close()
    assert not Path("run", HELD_BACK, REPORT).exists()
    assert not Path("run", REPORT).exists()
    assert resume() == 0
    assert Path("run", REPORT).read_bytes() != old


def test_where_nothing_was_done_it_stays_to_the_byte_and_where_it_is_gone_it_comes_again(place: Path) -> None:
    assert run() == 0
    before = Path("run", REPORT).read_bytes()
    assert resume() == 0
    assert Path("run", REPORT).read_bytes() == before
    Path("run", REPORT).unlink()
    assert resume() == 0
    assert Report(Path("run", REPORT)).parts["page"] == Report(Path("run", REPORT)).parts["page"]


def test_a_report_that_cannot_be_written_costs_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageError(f"cannot write {path}: No space left on device; what was there before is untouched")

    monkeypatch.setattr(writing, "write_whole", full)
    assert run() == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "understudy: note: no report of the run in run, which is kept all the same: cannot write run/"
    )
    assert file.read("run").training["steps"] == 6
    with pytest.warns(RuntimeWarning, match="no report of the run in other"):
        train("text.txt", out="other", preset="tiny", steps=3, units=8)
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert resume() == 0
    assert ownership.report_in(Path("run")) == Mark(6, 6)


def test_what_comes_while_the_run_goes_on_stays(place: Path) -> None:
    session = Session(Request(TextOptions(("text.txt",)), "tiny", {"units": 8, "steps": 6}, Path("run")))
    assert list(session.prepare())
    Path("run", REPORT).write_text("mine")
    for _ in session.reports():
        pass
    trouble = writing.leave(session)
    session.close()
    assert trouble is not None
    assert "this is not what a run of Understudy wrote here" in trouble
    assert Path("run", REPORT).read_text() == "mine"


def test_a_disk_that_is_full_says_so_in_one_line(place: Path, small_disk: Path) -> None:
    settings = {"units": 8, "steps": 6, "batch_size": 4}
    session = Session(Request(TextOptions(("text.txt",)), "tiny", settings, small_disk / "run"))
    assert list(session.prepare())
    for _ in session.reports():
        pass
    with (small_disk / "ballast").open("wb", buffering=0) as file:
        for block in (4096, 64):
            try:
                while file.write(bytes(block)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 - any other is a failure
    trouble = writing.leave(session)
    session.close()
    assert trouble is not None
    assert "No space left on device" in trouble
    assert [path.name for path in (small_disk / "run").glob("*report*")] == []
