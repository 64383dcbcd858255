"""How `understudy.train` looks on a terminal, and that a program without one hears nothing."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import understudy
from tests.cli.helpers import on_terminal
from tests.notebook.conftest import SETTINGS, model_bytes


def program(text: Path, **more: object) -> list[str]:
    settings = SETTINGS | {"out": "a run"} | more
    given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return [sys.executable, "-c", f"import understudy; understudy.train({str(text)!r}, {given})"]


@pytest.mark.slow
def test_on_a_terminal_training_is_shown_as_the_command_shows_it(text: Path, tmp_path: Path) -> None:
    seen = on_terminal(program(text), tmp_path)
    assert seen.status == 0
    assert "\x1b[1A" in seen.raw, "nothing was redrawn in place"
    for part in ("45/45", "train loss", "validation loss", "characters a second", "what it writes now", "best model"):
        assert part in seen.plain
    assert seen.raw.count("\x1b[?25l") == seen.raw.count("\x1b[?25h") > 0


@pytest.mark.slow
def test_quiet_shows_nothing_on_a_terminal(text: Path, tmp_path: Path) -> None:
    seen = on_terminal(program(text, quiet=True), tmp_path)
    assert (seen.status, seen.raw) == (0, "")
    assert (tmp_path / "a run" / "model.safetensors").is_file()


@pytest.mark.slow
def test_a_program_whose_output_is_no_display_hears_nothing(text: Path, tmp_path: Path) -> None:
    ended = subprocess.run(program(text), cwd=tmp_path, capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")


@pytest.mark.parametrize("quiet", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_control_c_in_a_program_leaves_a_checkpoint_and_says_how_to_go_on(
    quiet: bool, text: Path, undisturbed: Path, tmp_path: Path
) -> None:
    def interrupt(shown: str, process: int) -> bool:
        if not (metrics := tmp_path / "a run" / "metrics.jsonl").exists() or not metrics.read_bytes():
            return False
        os.kill(process, signal.SIGINT)
        return True

    command = program(text, quiet=quiet)
    seen = on_terminal([*command[:2], ticking(command[2])], tmp_path, interrupt)
    assert seen.status == -signal.SIGINT
    assert "ended" not in seen.plain
    told = r"interrupted at step (\d+) of 45; the checkpoint is written; go on with: (.*)\n"
    (said,) = re.finditer(told, seen.plain)
    assert ("KeyboardInterrupt: interrupted" in seen.plain) == quiet
    assert (tmp_path / "a run" / "checkpoint" / f"step-{int(said[1]):012d}.safetensors").is_file()
    assert said[2] == "understudy.train(out='a run', resume=True)"
    understudy.train(out=tmp_path / "a run", resume=True, quiet=True)
    assert model_bytes(tmp_path / "a run") == model_bytes(undisturbed)


def ticking(code: str) -> str:
    """A program that trains slowly and prints a dot at each step, so that who watches it looks again."""
    return (
        "import time\n"
        "import understudy.training.update as update\n"
        "take = update.EagerUpdates.take\n"
        "def slowly(*given):\n"
        "    print('.', end='', flush=True); time.sleep(0.03)\n"
        "    return take(*given)\n"
        f"update.EagerUpdates.take = slowly\n{code}; print('ended')"
    )
