"""The command line and the library refuse the same things with the same words; a name means one thing throughout."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import understudy as library
from tests.cli.conftest import SMALL
from tests.cli.helpers import program
from understudy.errors import UserError
from understudy.model import file

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("flag", "setting", "value"),
    [
        ("--out", "out", ""),
        ("--out", "out", "a\0b"),
        ("--out", "out", "\ud800"),
        ("--from", "start_from", ""),
        ("--from", "start_from", "a\0b"),
        ("--preset", "preset", ""),
        ("--vocabulary", "vocabulary", "--"),
        ("--newlines", "newlines", "--"),
        ("--cell", "cell", "transformer"),
        ("--encoding", "encoding", ""),
        ("--glob", "globs", ""),
    ],
)
def test_what_is_refused_is_refused_in_both_with_the_same_words(
    flag: str, setting: str, value: Any, text: Path, refused: Callable[..., str]
) -> None:
    line = refused("train", text, "--steps=1", f"{flag}={value}")
    with pytest.raises(UserError) as raised:
        library.train(text, steps=1, **{setting: value})
    assert line == f"understudy: error: {raised.value}"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--start"], "--start=VALUE"),
        (["--stop", "--json"], "--stop=VALUE"),
        (["--length", "x"], "--length 'x': expected a whole number"),
        (["--temperature", "warm"], "--temperature 'warm': expected a number"),
        (["--unknown=--"], "--unknown --: expected one of error, skip"),
        (["9" * 5000, "again"], "unrecognized arguments: again"),
        (["model", "9" * 5000], "..."),
    ],
)
def test_a_bad_flag_is_one_short_line_that_tells_what_is_expected(
    arguments: list[str], line: str, refused: Callable[..., str]
) -> None:
    told = refused("generate", *arguments)
    assert line in told
    assert len(told) < 500


def test_a_run_whose_name_begins_with_an_at_is_given_with_its_folder_everywhere(
    understudy: "CommandLine", text: Path, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained, tmp_path / "@run")
    for command in (["generate", "@run"], ["train", text, "--from", "@run"]):
        assert understudy(*command).err.endswith("; the folder of that name is ./@run\n")
    assert understudy("generate", "./@run", "--length", 3).status == 0
    assert understudy("train", text, "--from", "./@run", "--out", "next", *SMALL[8:], "--steps", 2).status == 0
    assert library.load(Path("@run")).config == library.load(trained).config
    library.train(text, start_from=Path("@run"), out="last", steps=2)


def test_a_working_folder_that_is_gone_is_one_line_or_no_matter(text: Path, trained: Path, tmp_path: Path) -> None:
    for arguments, status in ((("info", "--machine"), 2), (("generate", trained, "--length", 3), 0)):
        (tmp_path / "gone").mkdir()
        shell = ["sh", "-c", 'cd gone && rmdir ../gone && exec "$@"', "sh", *program(*arguments)]
        ended = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == status, ended.stderr
        said = "understudy: error: the working folder is gone, or may not be looked at; go to another, with cd\n"
        assert ended.stderr == (said if status else "")


@pytest.mark.filterwarnings("error")
def test_weights_whose_sums_are_beyond_all_numbers_are_one_line(refused: Callable[..., str], trained: Path) -> None:
    model = file.read(trained)
    huge = {name: np.full_like(tensor, -3e38) for name, tensor in model.tensors.items()}
    replace(model, tensors=huge).write(Path("huge.safetensors"))
    assert "not finite" in refused("generate", "huge.safetensors", "--length", 3)
