"""What is shown while a text is read: nothing of one that is read soon."""

import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import SMALL
from tests.cli.helpers import on_terminal, program
from understudy.cli.main import main
from understudy.showing import waiting
from understudy.showing.notebook import Notebook
from understudy.showing.plain import Plain, Quiet
from understudy.showing.terminal import Outlet
from understudy.showing.waiting import Waiting
from understudy.text.progress import CHECKING, ENCODING, READING, progress

GB = 10**9


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(display: type[Plain]) -> str:
    """What a display shows of a text of 10 GB that takes half a minute, and then of its ids."""
    clock, stream = Clock(), io.StringIO()
    screen = display(Outlet(stream))
    screen._waiting = Waiting(clock)
    with screen.preparing():
        for what in (READING, ENCODING):
            for part in range(241):
                progress(what, part * GB // 24, 10 * GB)
                clock.now += 0.125
    return stream.getvalue()


def test_a_line_comes_after_two_seconds_and_then_now_and_then() -> None:
    assert shown(Plain).splitlines() == [
        "reading the text: 0.7 of 10.0 GB, 333 MB a second, about 1 min 10 s to the first step",
        "reading the text: 4.0 of 10.0 GB, 333 MB a second, about 1 min 0 s to the first step",
        "reading the text: 7.3 of 10.0 GB, 333 MB a second, about 50 s to the first step",
        "encoding it: 0.7 of 10.0 GB, 333 MB a second, about 28 s to the first step",
        "encoding it: 4.0 of 10.0 GB, 333 MB a second, about 18 s to the first step",
        "encoding it: 7.3 of 10.0 GB, 333 MB a second, about 8 s to the first step",
    ]


def test_the_quiet_display_says_nothing() -> None:
    assert shown(Quiet) == ""


def test_what_takes_less_than_two_seconds_is_not_told_of() -> None:
    clock = Clock()
    words = Waiting(clock)
    for what in (READING, ENCODING, READING, CHECKING):
        for part in range(10):
            assert words.told(what, part * GB, 10 * GB) is None
            clock.now += 0.19


@pytest.mark.parametrize(
    ("what", "total", "line"),
    [
        (READING, None, "reading the text: 900 MB, 300 MB a second"),
        ("fetching a.txt", 3 * GB, "fetching a.txt: 0.9 of 3.0 GB, 300 MB a second, about 7 s left"),
        ("fetching a.txt", 900 * 10**6, "fetching a.txt: 900 of 900 MB, 300 MB a second"),
        (ENCODING, 0, "encoding it: 900 of 0 MB, 300 MB a second"),
    ],
)
def test_what_is_not_known_is_not_said(what: str, total: int | None, line: str) -> None:
    clock = Clock()
    words = Waiting(clock)
    words.told(what, 0, total)
    clock.now += 3
    told = words.told(what, 900 * 10**6, total)
    assert told is not None
    assert told.line == line


def test_a_notebook_has_a_bar_for_it_that_goes() -> None:
    published: list[dict[str, str]] = []

    class Shell:
        class display_pub:  # noqa: N801
            @staticmethod
            def publish(data: dict[str, str], **_: Any) -> None:
                published.append(data)

    clock = Clock()
    screen = Notebook(Outlet(io.StringIO()), Shell())
    screen._waiting = Waiting(clock)
    with screen.preparing():
        progress(READING, 0, GB)
        assert published == []
        clock.now += 5
        progress(READING, GB // 4, GB)
        assert 'aria-label="reading"' in published[-1]["text/html"]
        assert 'aria-valuenow="25.0"' in published[-1]["text/html"]
        assert published[-1]["text/plain"].startswith("reading the text: 0.2 of 1.0 GB")
        screen._drawn = 0.0
        progress(READING, GB, GB)
    assert "reading" not in published[-1]["text/html"]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with nothing in it."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Enough for some blocks."""
    path = tmp_path / "text.txt"
    path.write_text("To be, or not to be\n" * 150_000)
    return path


def test_the_command_prints_it_for_a_text_that_takes_long_and_for_no_other(
    text: Path, tmp_path: Path, own_cache: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["train", str(text), *SMALL, "--evaluate-every", "1000", "--steps", "1", "--validation", "0.001"]
    assert main([*asked, "--out", str(tmp_path / "run")]) == 0
    soon = capsys.readouterr().out
    assert "to the first step" not in soon
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    assert main([*asked, "--out", str(tmp_path / "run"), "--overwrite", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main([*asked, "--out", str(tmp_path / "run"), "--overwrite"]) == 0
    late = capsys.readouterr().out.splitlines()
    told = [line for line in late if "to the first step" in line]
    assert [line.split(":")[0] for line in told] == [READING, CHECKING]
    assert all("of 3 MB" in line for line in told)
    assert len(late) == len(soon.splitlines()) + len(told)


IMPATIENT = (
    "import sys; from understudy.showing import live, waiting; waiting.PATIENCE = live._SECONDS = 0.0; "
    "from understudy.cli.main import main; sys.exit(main(sys.argv[1:]))"
)


def test_a_terminal_shows_a_bar_that_is_gone_when_training_begins(text: Path, tmp_path: Path, own_cache: None) -> None:
    arguments = program("train", text, *SMALL, "--evaluate-every", 1000, "--steps", 1, "--validation", 0.001)
    seen = on_terminal([arguments[0], "-c", IMPATIENT, *arguments[3:]], tmp_path)
    assert seen.status == 0, seen.plain
    assert "reading the text: 1 of 3 MB" in seen.plain
    assert "encoding it: 1 of 3 MB" in seen.plain
    assert seen.plain.index("encoding it") < seen.plain.index("model: ")
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") > 1
    assert "reading the text" not in seen.plain[seen.plain.index("model: ") :]


@pytest.mark.slow
def test_control_c_while_a_text_is_read_ends_at_once_and_leaves_nothing(tmp_path: Path, own_cache: None) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"To be, or not to be\n" * 10_000_000)

    def interrupt(shown: str, process: int) -> bool:
        if "reading the text" not in shown:
            return False
        os.kill(process, signal.SIGINT)
        return True

    arguments = program("train", path, *SMALL, "--out", "run", "--steps", 1)
    seen = on_terminal([arguments[0], "-c", IMPATIENT, *arguments[3:]], tmp_path, interrupt)
    path.unlink()
    assert seen.status == 130
    assert "encoding it" not in seen.plain
    assert seen.plain.rstrip().endswith("interrupted; training had not begun, and nothing is kept")
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") == 1
    assert sorted(tmp_path.iterdir()) == []
