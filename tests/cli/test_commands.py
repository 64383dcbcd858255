"""What each command prints, and where."""

import json
import math
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.helpers import program
from understudy.api import load
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
    always = {"step", "epoch", "train_loss", "learning_rate", "characters_per_second", "gradient_norm", "seconds"}
    evaluated = {"validation_loss", "validation_loss_streamed"}
    for line in lines:
        assert set(line) >= always
        assert (set(line) >= evaluated) == (line["step"] in (15, 30, 35))


def test_time_is_told_as_people_tell_it() -> None:
    from understudy.showing.times import duration

    assert [duration(seconds) for seconds in (0.04, 59.94, 60, 125.9, 3600, 86399)] == [
        "0.0 seconds",
        "59.9 seconds",
        "1 min 0 s",
        "2 min 5 s",
        "1 h 0 min",
        "23 h 59 min",
    ]
