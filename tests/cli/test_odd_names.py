"""Names and values that look like something else work, or the line says what does."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SMALL

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NAMES = ["[a]*", 'it\'s "so"', "a b", "a\nb", "a\x1b[2J", "{x}", "%s", "bytes \udcff"]


@pytest.mark.parametrize("value", ["-b", "--", "---", "-1", "- b", "-"])
def test_a_value_that_begins_with_a_dash_is_a_value(value: str, understudy: "CommandLine", model: Path) -> None:
    given = [f"--stop={value}"] if value == "--" else ["--stop", value]
    alone = understudy("generate", model, "--seed", 1, "--length", 40)
    assert understudy("generate", model, "--seed", 1, "--length", 40, *given) == alone, "the model knows no dash"


@pytest.mark.parametrize("after", [["--length", "5"], ["--length=5"], ["--json"], []])
def test_a_flag_is_no_value(after: list[str], understudy: "CommandLine", model: Path) -> None:
    result = understudy("generate", model, "--start", *after)
    assert result.status == 2
    assert "argument --start: expected one argument" in result.err


def test_a_negative_number_is_a_number(understudy: "CommandLine", model: Path) -> None:
    assert "--temperature -1" in understudy("generate", model, "--temperature", "-1").err
    assert "--top-p -1e-05" in understudy("generate", model, "--top-p", "-1e-5").err
    assert "--length -3" in understudy("generate", model, "--length", "-3").err


def test_a_folder_that_begins_with_a_dash_can_be_named_and_the_command_that_is_shown_works(
    understudy: "CommandLine", text: Path, tmp_path: Path
) -> None:
    for option, name in (("--out", "-run"), ("-o", "@run")):
        result = understudy("train", text, option, name, *SMALL, "--steps", 2)
        assert result.status == 0
        shown = shlex.split(result.out.splitlines()[-1].split("let it write: ")[1])
        assert shown == ["understudy", "generate", f"./{name}"]
        assert understudy(*shown[1:], "--length", 5).status == 0
    assert understudy("train", text, "--from", "-run", "--out", "next", *SMALL[8:], "--steps", 2).status == 0


@pytest.mark.parametrize("arguments", [("info", "-x.txt"), ("generate", "-x.txt"), ("evaluate", "-x.txt", "-x.txt")])
def test_a_name_that_looks_like_a_flag_is_told_how_it_is_given(
    arguments: tuple[str, ...], understudy: "CommandLine", tmp_path: Path
) -> None:
    result = understudy(*arguments)
    assert result.status == 2
    assert "./-x.txt" in result.err
    (tmp_path / "--y.txt").write_text("abc")
    assert "./--y.txt" in understudy(arguments[0], "--y.txt").err


def test_a_text_that_looks_like_a_named_one_is_told_how_it_is_given(
    understudy: "CommandLine", text: Path, tmp_path: Path
) -> None:
    text.rename(tmp_path / "@letters.txt")
    assert "./@letters.txt" in understudy("info", "@letters.txt").err
    assert understudy("info", "./@letters.txt").status == 0


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_text_and_a_run_works_and_the_command_that_is_shown_can_be_pasted(
    name: str, understudy: "CommandLine", text: Path, tmp_path: Path
) -> None:
    text.rename(tmp_path / f"{name}.txt")
    result = understudy("train", f"{name}.txt", "--out", name, *SMALL, "--steps", 2)
    assert result.status == 0, result.err
    line = result.out.splitlines()[-1].split("let it write: ")[1]
    pasted = subprocess.run(
        ["bash", "-c", f'understudy() {{ printf "%s\\0" "$@"; }}; {line}'], capture_output=True, check=True
    )
    assert pasted.stdout.split(b"\0")[:-1] == [b"generate", os.fsencode(name)]
    assert understudy("generate", name, "--length", 5).status == 0


def test_a_name_in_bytes_that_are_not_utf_8_works(text: Path, tmp_path: Path) -> None:
    name = tmp_path / "\udcff.txt"
    text.rename(name)
    ended = subprocess.run(
        [sys.executable, "-m", "understudy", "info", b"\xff.txt"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\xff" not in ended.stdout
