"""What each command prints, and where."""

import fcntl
import json
import math
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from understudy.api import load
from understudy.cli.terminal import visible
from understudy.errors import UserError

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

SMALL = (
    *("--preset", "tiny", "--units", "12", "--embedding", "8", "--batch-size", "4", "--sequence-length", "16"),
    *("--evaluate-every", "50"),
)
TRAIN_KEYS = {
    *("model", "steps", "epochs", "characters_seen", "seconds", "characters_per_second", "train_loss"),
    *("validation_loss", "validation_loss_streamed", "bits_per_character", "parameters", "stopped"),
}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "understudy", *map(str, arguments)]


class Seen:
    """What a program showed on a terminal, and its status."""

    def __init__(self, raw: str, status: int) -> None:
        self.raw, self.status = raw, status
        self.plain = ESCAPE.sub("", raw).replace("\r", "")


def on_terminal(
    arguments: Sequence[str], folder: Path, during: Callable[[str, int], bool] | None = None, columns: int = 100
) -> Seen:
    """Run a program on a pseudo-terminal; `during` sees what came so far until it is satisfied."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 1 << 16):
            shown += block
            if during is not None and during(shown.decode("utf-8", "replace"), process.pid):
                during = None
    except OSError:  # the last one on the other side has gone
        pass
    os.close(ours)
    return Seen(shown.decode("utf-8", "replace"), process.wait())


def test_train_json_is_one_document_with_the_promised_keys(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 20, "--json", "--sample", 30)
    assert result.status == 0
    document = json.loads(result.out)
    assert set(document) >= TRAIN_KEYS | {"text"}
    assert document["steps"] == 20
    assert document["stopped"] == "all steps done"
    assert document["model"] == "new/model.safetensors"
    assert document["characters_seen"] <= 20 * 4 * 16
    assert document["characters_per_second"] == pytest.approx(document["characters_seen"] / document["seconds"])
    assert document["bits_per_character"] == pytest.approx(document["validation_loss_streamed"] / math.log(2))
    assert document["parameters"] == load("new").config.parameters
    assert len(document["text"]) == 30
    assert result.out.count("\n") == 1
    assert "step 20 of 20" in result.err, "the reports go where the document does not"


def test_train_json_without_validation_has_no_validation_loss(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 3, "--validation", 0, "--json", "--quiet")
    document = json.loads(result.out)
    assert set(document) >= TRAIN_KEYS
    assert document["validation_loss"] is None
    assert document["bits_per_character"] is None
    assert document["train_loss"] > 0
    assert result.err == ""


def test_quiet_training_prints_nothing(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 3, "--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert load("new").training["steps"] == 3


def test_quiet_training_prints_the_sample_that_was_asked_for(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 3, "--quiet", "--sample", 12)
    assert result.err == ""
    assert len(result.out) == 12 + len("\n")
    assert set(result.out) <= set(text.read_text())


def test_training_without_a_terminal_prints_plain_lines(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 40, "--evaluate-every", 20)
    assert result.err == ""
    assert "\x1b" not in result.out
    assert "\r" not in result.out
    lines = result.out.splitlines()
    assert "6,000 characters" in lines[0]
    assert "LSTM 12" in lines[1]
    reports = [line for line in lines if line.startswith("step")]
    assert [line.split(" of ")[0] for line in reports] == ["step 10", "step 20", "step 30", "step 40"]
    assert ["validation loss" in line for line in reports] == [False, True, False, True]
    commands = [line for line in lines if "understudy generate" in line]
    assert len(commands) == 1
    assert commands[0].endswith("understudy generate new")


def test_training_names_a_run_after_its_text(understudy: "CommandLine", text: Path) -> None:
    for expected in ("runs/text", "runs/text-2"):
        assert understudy("train", text, *SMALL, "--steps", 2, "--quiet").status == 0
        assert load(expected).training["steps"] == 2


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


def test_a_sample_shown_while_training_cannot_control_the_terminal(controlling: Path, tmp_path: Path) -> None:
    text = controlling.parent / "text.txt"
    seen = on_terminal(program("train", text, "--out", "new", *SMALL, "--steps", 20, "--sample", 80), tmp_path)
    assert seen.status == 0
    assert "\x07" not in seen.raw
    assert "\x1b[31m" not in seen.raw
    assert "\\x1b" in seen.plain


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\r"])
def test_what_controls_a_terminal_is_shown_as_an_escape(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\x{ord(character):02x}b".replace("\\x0d", "\\r")


@pytest.mark.parametrize("text", ["a\n\tb", "é Ж 漢 🎭", "e\u0301", "\u200d"])
def test_what_does_not_control_a_terminal_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("more", [(), ("--samples", "40")])
def test_a_reader_that_leaves_early_is_no_error(more: tuple[str, ...], model: Path, tmp_path: Path) -> None:
    writing = shlex.join(program("generate", model, "--length", 20_000, *more))
    command = f"set -o pipefail; {writing} | head -c 10"
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert len(ended.stdout) == 10
    assert ended.returncode == 0


def test_text_goes_out_piece_by_piece(model: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(program("generate", model, "--length", 10_000_000), cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert len(process.stdout.read(100)) == 100
    assert process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()


def test_control_c_while_writing_is_no_traceback(model: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        program("generate", model, "--length", 10_000_000),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.read(10)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.split() == ["understudy:", "interrupted"]


def test_bytes_that_are_no_text_come_out_as_they_went_in(understudy: "CommandLine", text: Path, tmp_path: Path) -> None:
    assert understudy("train", text, "--out", "b", *SMALL, "--steps", 3, "--vocabulary", "bytes", "--quiet").status == 0
    arguments: list[str | bytes] = [*program("generate", "b", "--length", 5, "--start"), b"a\xff\xfe"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"}
    ended = subprocess.run(arguments, cwd=tmp_path, capture_output=True, check=True, env=environment)
    assert ended.stdout.startswith(b"a\xff\xfe")


def test_an_output_that_is_not_unicode_gets_escapes(understudy: "CommandLine", tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("naïve café, ξένος, 漢字\n" * 100, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run(
        program("info", "letter.txt"), cwd=tmp_path, capture_output=True, check=True, env=environment
    )
    shown = ended.stdout.decode("latin-1")
    assert "naïve café, \\u03be\\u03ad\\u03bd\\u03bf\\u03c2" in shown


def test_a_model_file_on_its_own_is_enough(understudy: "CommandLine", model: Path, tmp_path: Path) -> None:
    alone = (model / "model.safetensors").rename(tmp_path / "alone.safetensors")
    assert understudy("generate", alone, "--length", 10, "--seed", 1).status == 0
    assert understudy("evaluate", alone, model / "samples.txt").status == 0
    assert understudy("info", alone).status == 0


def test_help_names_every_command_and_every_setting_of_a_recipe(
    understudy: "CommandLine", capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import fields

    from understudy.training.recipe import Recipe, flag

    with pytest.raises(SystemExit) as ended:
        understudy("--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("train", "generate", "evaluate", "info"))
    with pytest.raises(SystemExit):
        understudy("train", "--help")
    shown = capsys.readouterr().out
    for entry in fields(Recipe):
        assert f"{flag(entry.name)} " in shown
        assert entry.metadata.get("help", "").split()[0] in shown


def test_the_version_is_the_package_s(understudy: "CommandLine") -> None:
    from importlib.metadata import version

    assert understudy("--version").out == version("understudy") + "\n"


def test_no_command_shows_the_help(understudy: "CommandLine") -> None:
    result = understudy()
    assert result.status == 0
    assert "usage: understudy" in result.out


def test_flags_take_no_abbreviations(understudy: "CommandLine", text: Path) -> None:
    result = understudy("train", text, "--step", 3)
    assert result.status == 2
    assert "--step" in result.err


def test_every_error_of_a_user_has_status_2() -> None:
    assert UserError.exit_status == 2
    for kind in UserError.__subclasses__():
        assert kind.exit_status == 2


def documents(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_metrics_hold_every_figure_at_least_every_ten_steps(understudy: "CommandLine", text: Path) -> None:
    understudy("train", text, "--out", "new", *SMALL, "--steps", 35, "--evaluate-every", 15, "--quiet")
    lines = documents(Path("new/metrics.jsonl").read_text())
    assert [line["step"] for line in lines] == [10, 15, 20, 30, 35]
    always = {"step", "epoch", "train_loss", "learning_rate", "characters_per_second", "gradient_norm"}
    evaluated = {"validation_loss", "validation_loss_streamed"}
    for line in lines:
        assert set(line) >= always
        assert (set(line) >= evaluated) == (line["step"] in (15, 30, 35))


def test_time_is_told_as_people_tell_it() -> None:
    from understudy.cli.display import duration

    assert [duration(seconds) for seconds in (0.04, 59.94, 60, 125.9, 3600, 86399)] == [
        "0.0 seconds",
        "59.9 seconds",
        "1 min 0 s",
        "2 min 5 s",
        "1 h 0 min",
        "23 h 59 min",
    ]


def test_training_goes_on_when_nobody_reads_its_lines(long_text: Path, tmp_path: Path) -> None:
    run = tmp_path / "unread"
    command = [sys.executable, "-m", "understudy", "train", str(long_text), "--out", str(run), "--preset", "tiny"]
    process = subprocess.Popen([*command, "--steps", "40"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0, complaints
    assert complaints == b""
    assert (run / "checkpoint" / "step-000000000040.safetensors").exists()
