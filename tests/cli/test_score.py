"""`understudy score`: the table, the JSON lines, the page, and what it refuses."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.helpers import program
from understudy.cli import score
from understudy.seeing.places import BYS
from understudy.seeing.surprise import RANKS


def entries(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_the_table_names_the_most_surprising_lines(understudy: CommandLine, model: Path, text: Path) -> None:
    text.write_text(text.read_text() + "\nbbbbbbbbbbbbbbbbbbbbQbbbbbbbbbbbbbbbbb\n")
    count = text.read_text().count("\n")
    result = understudy("score", model, text, "--top", 3)
    assert result.status == 0
    first, _, head, _, names, *rows = result.out.splitlines()
    assert first.endswith("the state carried; 1 character that the model never saw")
    assert "3 lines" in head
    assert names.split() == ["nats", "mean", "where", "text"]
    assert len(rows) == 3
    assert f" {count} " in result.out
    assert "(1 never seen)" in result.out


@pytest.mark.parametrize("by", ["line", "word", "character", "file"])
def test_json_lines_are_all_places_in_order_and_sum_to_what_evaluate_says(
    by: str, understudy: CommandLine, model: Path, text: Path
) -> None:
    result = understudy("score", model, text, "--by", by, "--json")
    found = entries(result.out)
    assert all(
        set(entry) == {"file", "line", "column", "text", "nats", "mean", "predicted", "unknown"} for entry in found
    )
    assert [entry["line"] for entry in found] == sorted(entry["line"] for entry in found)  # type: ignore[type-var]
    if by == "word":
        return
    evaluated = json.loads(understudy("evaluate", model, text, "--json", "--no-baselines").out)
    nats = [float(str(entry["nats"])) for entry in found if entry["nats"] is not None]
    assert sum(int(str(entry["predicted"])) for entry in found) == evaluated["characters"]
    assert sum(nats) / evaluated["characters"] == pytest.approx(evaluated["loss"], abs=1e-4)
    if by == "character":
        assert found[0]["nats"] is None
        assert "".join(str(entry["text"]) for entry in found) == text.read_text()


def test_the_first_of_json_lines_are_the_most_surprising(understudy: CommandLine, model: Path, text: Path) -> None:
    everything = entries(understudy("score", model, text, "--json").out)
    first = entries(understudy("score", model, text, "--json", "--top", 4, "--rank", "total").out)
    totals = sorted((float(str(entry["nats"])) for entry in everything if entry["predicted"]), reverse=True)
    assert [entry["nats"] for entry in first] == totals[:4]


def test_texts_come_from_standard_input_and_from_many_files(model: Path, text: Path) -> None:
    other = text.with_name("other.txt")
    other.write_text("abc\n")
    command = program("score", model, "-", "--json", "--by", "file")
    ended = subprocess.run(command, input=text.read_bytes(), capture_output=True, check=True)
    assert len(ended.stdout.splitlines()) == 1
    out = subprocess.run(
        program("score", model, text, other, "--fresh", "--top", 2), capture_output=True, check=True
    ).stdout
    assert b"each line afresh" in out
    assert re.search(rb"text\.txt:\d+ ", out)


def test_a_page_stands_alone_and_shows_hostile_text_as_text(
    understudy: CommandLine, model: Path, tmp_path: Path
) -> None:
    hostile = "abc <script>alert(1)</script> \" onload='x' &amp; </div>\n\x1b[31mabc\u202eabc\r\nend\n" * 3
    Path("hostile.txt").write_bytes(hostile.encode())
    result = understudy("score", model, "hostile.txt", "--html", "page.html")
    assert result.status == 0
    assert result.out.endswith("page.html: the text, coloured by surprise; open it in a browser\n")
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "http" not in page.replace("http-equiv", "")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert understudy("score", model, "hostile.txt", "--html", "page.html").status == 2
    assert understudy("score", model, "hostile.txt", "--html", "page.html", "--overwrite").status == 0


def test_what_does_not_fit_is_one_line(refused: Callable[..., str], model: Path, text: Path, tmp_path: Path) -> None:
    Path("strange.txt").write_text("ÄÖÜ")
    assert "nothing to score" in refused("score", model, "strange.txt")
    assert "--top" in refused("score", model, text, "--top", 0)
    assert "--by" in refused("score", model, text, "--by", "page")
    assert "a folder" in refused("score", model, text, "--html", tmp_path)
    assert "never replaces" in refused("score", model, text, "--html", model / "model.safetensors", "--overwrite")
    assert "none.txt" in refused("score", model, "none.txt")


def test_what_the_help_offers_is_what_there_is() -> None:
    """The help must come without numpy, so it has its own list."""
    assert score._BYS == BYS
    assert score._RANKS == RANKS
