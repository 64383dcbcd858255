"""`generate --mark-copies`, `--no-copies`, and `evaluate --copies`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.seeing.test_copies import searched

HOT = ("--temperature", "0.9", "--seed", "3", "--length", "600")


@pytest.fixture
def named(long_text: Path) -> tuple[str, Path]:
    return "--trained-on", long_text


def learned(text: Path) -> str:
    return text.read_text()[: int(0.9 * 6_000)]


@pytest.mark.parametrize("start", ["", "abc"])
def test_what_is_marked_stands_in_the_text(
    start: str, understudy: CommandLine, model: Path, named: tuple[str, Path]
) -> None:
    plain = understudy("generate", model, *HOT, "--start", start).out
    marked = understudy("generate", model, *HOT, "--start", start, "--mark-copies", 4, *named)
    assert marked.out.replace("\u27e6", "").replace("\u27e7", "") == plain
    inside, at, covered = False, 0, []
    for character in marked.out.removesuffix("\n"):
        if character in "\u27e6\u27e7":
            inside = character == "\u27e6"
        else:
            covered.append(inside)
            at += 1
    expected = searched(plain.removesuffix("\n"), learned(named[1]), 4)
    assert any(expected)
    assert covered[len(start) :] == expected[len(start) :]
    assert not any(covered[: len(start)])
    assert "stand word for word in the text that the model learned from" in marked.err


def test_json_tells_where_they_are_and_the_longest(
    understudy: CommandLine, model: Path, named: tuple[str, Path]
) -> None:
    found = json.loads(understudy("generate", model, *HOT, "--samples", 2, "--json", "--mark-copies", 4, *named).out)
    for sample in found["samples"]:
        for part in sample["copies"]:
            assert part["end"] - part["start"] >= 4
        longest = sample["longest_copy"]
        assert longest in learned(named[1])
        assert longest in sample["text"]
        assert not any(searched(sample["text"], learned(named[1]), len(longest) + 1))


def test_no_copies_writes_none_and_nothing_is_marked_then(
    understudy: CommandLine, model: Path, named: tuple[str, Path]
) -> None:
    result = understudy("generate", model, *HOT, "--no-copies", 4, "--mark-copies", 4, *named)
    assert not any(searched(result.out.removesuffix("\n"), learned(named[1]), 4))
    assert result.err == "no 4 characters in a row stand in the text that the model learned from\n"
    alone = understudy("generate", model, *HOT, "--no-copies", 4, *named)
    assert alone.out == result.out


def test_evaluate_tells_the_share_of_copies_by_length(
    understudy: CommandLine, model: Path, text: Path, named: tuple[str, Path]
) -> None:
    said = understudy("evaluate", model, text, "--copies", "--no-baselines", *named).out
    assert "20 or more 0.0%, 30 or more 0.0%" in said
    found = json.loads(understudy("evaluate", model, text, "--copies", "--no-baselines", "--json", *named).out)
    assert found["copies"] == {"20": 0, "30": 0, "50": 0, "100": 0}


def test_where_the_text_is_gone_one_line_says_so(
    refused: Callable[..., str], understudy: CommandLine, model: Path, text: Path, tmp_path: Path
) -> None:
    assert understudy("train", text, "--preset", "tiny", "--steps", 1, "--out", "mine", "--quiet").status == 0
    text.rename(tmp_path / "moved.txt")
    for option in ("--mark-copies", "--no-copies"):
        line = refused("generate", "mine", option, 20)
        assert line.startswith(f"understudy: error: {option}: ")
        assert "--trained-on TEXT" in line
        assert understudy("generate", "mine", option, 20, "--length", 5, "--trained-on", "moved.txt").status == 0
    assert "no copies are told" in understudy("evaluate", "mine", "moved.txt", "--copies", "--no-baselines").out
    assert "from 2" in refused("generate", "mine", "--no-copies", 1)
    assert "leave it out" in refused("generate", "mine", "--trained-on", "moved.txt")
    assert "--bytes" in refused("generate", "mine", "--mark-copies", 20, "--bytes")
