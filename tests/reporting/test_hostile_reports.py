"""What a text, a model or a name says stands in a report as text."""

from pathlib import Path

import pytest

from tests.reporting.reading import Report, assert_alone
from understudy.cli.main import main
from understudy.layout import REPORT
from understudy.model import file
from understudy.reporting.course import Course
from understudy.reporting.elements import folded, samples, shown, table, terms

HOSTILE = "</div><script>alert(1)</script>&amp;<img src=x onerror=alert(2)>\x1b[31m abc\u202e\u2066абв\r\n漢🎭 \x07\n"
SIZE = ("--preset", "tiny", "--units", "12", "--batch-size", "2", "--sequence-length", "8", "--steps", "20", "--quiet")


def test_a_text_full_of_marks_is_shown_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("<b>&amp;\u202e.txt").write_text(HOSTILE * 60, encoding="utf-8", newline="")
    assert main(["train", "<b>&amp;\u202e.txt", "--out", "<i>&", *SIZE, "--evaluate-every", "5"]) == 0
    report = Report(Path("<i>&", REPORT))
    assert_alone(report)
    assert not {"b", "i"} & set(report.tags)
    assert not set("\u202e\u2066\x1b\x07\r") & set(report.source)
    (page,) = report.parts["page"]
    assert set("<>&") <= set(page)
    assert "\u25a1" in page
    (command,) = report.parts["command"]
    assert "'<i>&'" in command


def test_a_model_that_lies_about_its_name_is_told_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("to be or not to be, that is the question\n" * 40)
    assert main(["train", "text.txt", "--out", "other", *SIZE]) == 0
    model = file.read("other")
    model.training["corpus"]["name"] = "<script>alert(1)</script>\u202e"
    model.write(Path("other/model.safetensors"))
    assert main(["train", "text.txt", "--out", "run", "--from", "other", *SIZE[:2], *SIZE[4:]]) == 0
    report = Report(Path("run", REPORT))
    assert_alone(report)
    assert r"a model that learned <script>alert(1)</script>\u202e" in report.sections["What it came to"]


@pytest.mark.parametrize("text", [HOSTILE, "\ud800", "'\"><script>", "<!--"])
def test_every_part_escapes(text: str) -> None:
    parts = [
        shown(text),
        terms([(text, text, "")]),
        table((text, text), [(text, text)]),
        folded(text, ""),
        samples(Course([], [(1, text), (2, text)], [])),
    ]
    for part in parts:
        assert "<script" not in part
        assert "<img" not in part
        assert "<!--" not in part
        assert "\u202e" not in part
        part.encode()
