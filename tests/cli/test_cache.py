"""`understudy cache` shows what is kept outside of run folders, and removes it; nothing else."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from understudy.runs.material import TextOptions, prepare
from understudy.text import cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with an encoded text and a fetched one, and a file of the user's."""
    folder = tmp_path / "kept"
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(folder))
    (tmp_path / "text.txt").write_text("to be or not to be")
    prepare(TextOptions((str(tmp_path / "text.txt"),)), 0.2)
    fetched = cache.private_folder(cache.CORPORA) / "shakespeare.txt"
    fetched.write_bytes(b"a" * 1000)
    used = time.time() - 3 * 86_400 - 60
    os.utime(fetched, (used, used))
    (folder / "mine.txt").write_text("mine")
    return folder


def test_what_lies_in_the_cache_is_shown_with_sizes_and_ages(folder: Path, understudy: CommandLine) -> None:
    lines = understudy("cache").out.splitlines()
    assert lines[0] == str(folder)
    assert len(lines) == 4
    assert [part in lines[1] for part in ("encoded/", " 50 bytes", "used just now")] == [True] * 3
    assert [part in lines[2] for part in ("corpora/shakespeare.txt", " 1,000 bytes", "used 3 days ago")] == [True] * 3
    assert lines[3] == "2 files, 1,050 bytes; --clear removes them"


def test_the_same_comes_as_json(folder: Path, understudy: CommandLine) -> None:
    told = json.loads(understudy("cache", "--json").out)
    assert (told["folder"], told["bytes"], told["cleared"]) == (str(folder), 1050, False)
    sizes = {file["name"].split("/")[0]: file["bytes"] for file in told["files"]}
    assert sizes == {"encoded": 50, "corpora": 1000}
    assert [file["seconds_unused"] // 86_400 for file in told["files"]] == [0, 3]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_clearing_removes_what_understudy_made_and_says_what(
    more: tuple[str, ...], folder: Path, understudy: CommandLine
) -> None:
    result = understudy("cache", "--clear", *more)
    assert result.status == 0
    if more:
        told = json.loads(result.out)
        assert (len(told["files"]), told["bytes"], told["cleared"]) == (2, 1050, True)
    else:
        assert result.out.splitlines() == [str(folder), "removed: 2 files, 1,050 bytes"]
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert understudy("cache").out.splitlines() == [str(folder), "0 files, 0 bytes"]


def test_looking_makes_nothing(tmp_path: Path, understudy: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "none"))
    assert understudy("cache").status == understudy("cache", "--clear").status == 0
    assert not (tmp_path / "none").exists()


def test_without_a_home_folder_it_says_so(
    tmp_path: Path, understudy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNDERSTUDY_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    result = understudy("cache")
    assert result.status == 0
    assert "UNDERSTUDY_CACHE" in result.out
    told = json.loads(understudy("cache", "--clear", "--json").out)
    assert told == {"folder": None, "files": [], "bytes": 0, "cleared": True}


def test_a_folder_with_an_odd_name_is_shown_in_one_line(
    tmp_path: Path, understudy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "a\n\x1b[31m\udcff"
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(odd))
    assert understudy("cache").out.splitlines() == [rf"{tmp_path}/a\n\x1b[31m\udcff", "0 files, 0 bytes"]
    assert json.loads(understudy("cache", "--json").out)["folder"] == str(odd)


def test_what_cannot_be_removed_is_one_line(
    small_disk: Path, understudy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk / "cache"))
    (cache.private_folder(cache.CORPORA) / "shakespeare.txt").write_bytes(b"a")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = understudy("cache", "--clear")
    assert result.status == 1
    (line,) = result.err.splitlines()
    assert "shakespeare.txt: Read-only file system" in line
