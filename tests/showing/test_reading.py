"""What a command that reads a text shows of it on a terminal: a line that goes again; nothing of what is soon done."""

import io
import sys
from pathlib import Path

import pytest

from tests.cli.helpers import on_terminal, program
from understudy.cli.main import main
from understudy.showing import reading, waiting
from understudy.text.progress import ENCODING, READING, SCORING, is_observed, progress

COMMANDS = {
    "info": (["info"], READING),
    "evaluate": (["evaluate", "@shakespeare", "--no-baselines"], SCORING),
    "score": (["score", "@shakespeare"], SCORING),
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some blocks, with a cache that has not seen them."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "text.txt"
    path.write_text("To be, or not to be\n" * 2_000)
    return path


@pytest.fixture
def long(text: Path) -> Path:
    """The same text many times."""
    text.write_text(text.read_text() * 75)
    return text


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything takes longer than people wait."""
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    monkeypatch.setattr(reading, "_PAUSE", 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_reads_says_how_far_it_is(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, what = COMMANDS[name]
    text: Path = request.getfixturevalue("text" if what == SCORING else "long")
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    assert main([command[0], *command[1:2], str(text), *command[2:]]) == 0
    drawn = shown.getvalue().split("\r\x1b[K")
    assert any(line.startswith(f"{what}: ") for line in drawn), drawn[:5]
    assert drawn[-1] == "", "the last line is cleared"
    assert not any("first step" in line or "\n" in line for line in drawn)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", ["info", "score"])
def test_where_standard_error_is_no_terminal_nothing_is_said(
    name: str, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _ = COMMANDS[name]
    assert main([command[0], *command[1:2], str(text), *command[2:]]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_soon_done_is_not_told_of(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    assert main(["info", str(text)]) == 0
    assert shown.getvalue() == ""


@pytest.mark.usefixtures("impatient")
def test_the_line_goes_when_the_reading_fails_and_holds_nothing_that_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("COLUMNS", "40")

    def fails() -> None:
        with reading.shown_reading():
            progress("fetching \x1b[2J", 10**6, 10**9)
            progress(f"{ENCODING} {'a' * 100}", 10**6, 10**9)
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fails()
    assert not is_observed()
    _, first, second, last = shown.getvalue().split("\r\x1b[K")
    assert first.startswith("fetching \\x1b[2J: 0.0 of 1.0 GB")
    assert len(second) == 39
    assert last == ""


def test_the_program_leaves_a_terminal_with_its_output_alone(long: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from understudy.showing import reading, waiting; waiting.PATIENCE = reading._PAUSE = 0.0; "
        "from understudy.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = program("info", long)
    seen = on_terminal([arguments[0], "-c", code, *arguments[3:]], tmp_path)
    assert seen.status == 0
    assert f"{READING}: " in seen.plain
    assert seen.raw.rpartition("\r\x1b[K")[2].startswith("text: 3,000,000 characters")
