"""What a terminal gets to see, and that nothing which is shown can control it."""

import io
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SMALL
from tests.cli.helpers import on_terminal, program
from understudy.shell import command_line
from understudy.showing.terminal import visible

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_training_on_a_terminal_draws_a_live_display_and_ends_cleanly(text: Path, tmp_path: Path) -> None:
    arguments = program("train", text, "--out", "new", *SMALL, "--steps", 60, "--evaluate-every", 20)
    seen = on_terminal(arguments, tmp_path)
    assert seen.status == 0
    assert "\x1b[1A" in seen.raw, "nothing was redrawn in place"
    for shown in ("60/60", "train loss", "validation loss", "bits a character", "characters a second", "rate"):
        assert shown in seen.plain
    assert "what it writes now" in seen.plain
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") > 0, "the cursor is hidden, or shown again, once"
    assert "Traceback" not in seen.plain
    assert seen.plain.rstrip().endswith("understudy generate new")


def test_control_c_on_a_terminal_ends_the_display_and_prints_how_to_go_on(text: Path, tmp_path: Path) -> None:
    def interrupt(shown: str, process: int) -> bool:
        if "train loss" not in shown:
            return False
        os.kill(process, signal.SIGINT)
        return True

    seen = on_terminal(program("train", text, "--out", "a folder", *SMALL, "--steps", 100_000), tmp_path, interrupt)
    assert seen.status == 130
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") > 0
    assert "Traceback" not in seen.plain
    last = seen.plain.rstrip().splitlines()[-1]
    assert shlex.split(last) == ["understudy", "train", "--out", "a folder", "--resume"]


@pytest.fixture(scope="module")
def controlling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a text that is full of control characters."""
    from understudy.cli.main import main

    folder = tmp_path_factory.mktemp("controlling")
    (folder / "text.txt").write_text("\x1b[31mred\x07\t\x1b[0m\x9b2J\n" * 200, encoding="utf-8", newline="")
    arguments = [str(folder / "text.txt"), "--out", str(folder / "run"), *SMALL, "--steps", "30", "--quiet"]
    assert main(["train", *arguments]) == 0
    return folder / "run"


def test_control_characters_are_escaped_on_a_terminal_and_left_alone_in_a_pipe(
    controlling: Path, tmp_path: Path
) -> None:
    arguments = program("generate", controlling, "--start", "\x1b[31mr", "--length", 200, "--seed", 1)
    piped = subprocess.run(arguments, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    assert {"\x1b", "\x07", "\x9b", "\t", "\n"} <= set(piped)
    seen = on_terminal(arguments, tmp_path)
    assert seen.status == 0
    shown = seen.raw.replace("\r\n", "\n")
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert shown == piped.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\x9b", "\\x9b")


def test_neither_a_sample_nor_a_name_can_control_the_terminal(controlling: Path, tmp_path: Path) -> None:
    name, run = "a\x1b[2J\x9bb.txt", "r\x1b[2J"
    (tmp_path / name).write_bytes((controlling.parent / "text.txt").read_bytes())
    seen = on_terminal(program("train", name, "--out", run, *SMALL, "--steps", 20, "--sample", 80), tmp_path)
    assert seen.status == 0
    for hostile in ("\x07", "\x1b[31m", "\x1b[2J", "\x9b"):
        assert hostile not in seen.raw
    assert "\\x1b" in seen.plain
    assert command_line(["understudy", "generate", run]) in seen.plain


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\r"])
def test_what_controls_a_terminal_is_shown_as_an_escape(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\x{ord(character):02x}b".replace("\\x0d", "\\r")


@pytest.mark.parametrize("text", ["a\n\tb", "é Ж 漢 🎭", "e\u0301", "\u200d"])
def test_what_does_not_control_a_terminal_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u2028", "\u2029", "\ud800"])
def test_what_turns_or_breaks_a_line_is_shown_as_an_escape(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\u{ord(character):04x}b"


HOSTILE = "a\x1b[2J\x9b\u202e\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        ("info", HOSTILE),
        ("generate", HOSTILE),
        ("evaluate", HOSTILE, HOSTILE),
        ("train", HOSTILE),
        ("train", "text.txt", f"--{HOSTILE}"),
        ("train", "text.txt", "--from", HOSTILE),
        ("train", "text.txt", "--preset", HOSTILE),
        ("train", "text.txt", "--units", HOSTILE),
        ("train", "text.txt", "--newlines", HOSTILE),
        ("train", "text.txt", "--encoding", HOSTILE),
        ("train", "text.txt", "--validation", HOSTILE),
        ("train", ".", "--glob", HOSTILE),
        ("train", "--resume", "--out", HOSTILE),
    ],
)
def test_no_argument_can_control_the_terminal_by_way_of_a_complaint(
    arguments: tuple[str, ...], understudy: "CommandLine", text: Path
) -> None:
    result = understudy(*arguments)
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert result.err.removesuffix("\n").isprintable()


def test_a_line_that_ends_as_on_windows_is_shown_as_a_line(tmp_path: Path) -> None:
    code = "from understudy.showing.terminal import say_text; say_text('a\\r\\nb\\rc\\n')"
    assert on_terminal([sys.executable, "-c", code], tmp_path).raw == "a\r\nb\\rc\r\n"


def test_the_live_total_follows_the_number_of_steps() -> None:
    from types import SimpleNamespace
    from typing import Any

    from understudy.showing.live import LiveDisplay
    from understudy.showing.terminal import Outlet
    from understudy.training.loop import Report

    def facts(steps: int) -> Any:
        return SimpleNamespace(schedule=SimpleNamespace(steps=steps))

    display = LiveDisplay(Outlet(io.StringIO()))
    session: Any = SimpleNamespace(facts=facts(100), samples=[], take_notes=list)
    display.session, display._task = session, display._progress.add_task("", total=100)
    session.facts = facts(250)
    display.show(Report(10, 0.1, 2.0, 1e-3, 1000.0, 1.0))
    (task,) = display._progress.tasks
    assert (task.completed, task.total) == (10, 250)
