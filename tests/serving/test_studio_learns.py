"""The studio's place to learn, in real Chromium."""

from pathlib import Path

import pytest

from tests.serving.studio import Studio

pytestmark = pytest.mark.slow
TEXT = "The quick brown fox jumps over the lazy dog; and what of it?\n" * 60


def test_a_dropped_text_is_learned_watched_stopped_and_gone_on_with(page: Studio, tmp_path: Path) -> None:
    file = tmp_path / "Some text.txt"
    file.write_text(TEXT, encoding="utf-8")
    page.turn_to("learn")
    page.drop(file, "#drop")
    page.until("!document.getElementById('survey').hidden")
    assert page.text("#survey-title") == "Some text.txt"
    assert f"{len(TEXT):,} characters" in page.text("#survey-counts")
    page.set("minutes", "20")
    page.press("#start")
    page.until("document.querySelector('#chart polyline.learned')")
    assert "left" in page.text("#watch-left")
    page.press("#stop")
    page.until("!document.getElementById('resume').hidden")
    assert "stopped" in page.text("#watch-state")
    page.until("document.querySelector('#runs tr')?.textContent.includes('stopped')")

    page.press("#resume")
    page.until("!document.getElementById('stop').hidden")
    page.open("learn")  # closing the page loses nothing: it is found again
    page.until("!document.getElementById('watch').hidden && document.querySelector('#chart polyline.learned')")
    assert page.text("#watch-title") == "Some-text"
    page.press("#stop")
    page.until("!document.getElementById('resume').hidden")


def test_a_model_that_was_learned_here_writes_and_its_copies_are_marked(page: Studio, tmp_path: Path) -> None:
    file = tmp_path / "learned.txt"
    file.write_text(TEXT, encoding="utf-8")
    page.turn_to("learn")
    page.choose(file, "#file")
    page.until("!document.getElementById('survey').hidden")
    page.set("minutes", "0.1")
    page.press("#start")
    page.until("document.getElementById('watch-state').textContent === 'It is done.'", 120)
    assert page.value("document.querySelectorAll('#samples li').length") >= 1
    page.press("#write-with")
    page.until("document.body.dataset.place === 'write' && document.getElementById('model').value === 'learned'")
    page.editing()
    page.type("Mine own words. jumps over the lazy dog; and what of it?\n")
    page.press("#copies")
    page.until("CSS.highlights.has('copied')")
    copied = page.value(
        "[...CSS.highlights.get('copied')].map((one) => one.toString?.() && one.endOffset - one.startOffset)"
    )
    assert max(copied) >= 30
    assert "copied run" in page.text("#copies-told")


def test_what_is_no_text_is_told_in_one_line(page: Studio, tmp_path: Path) -> None:
    file = tmp_path / "picture.txt"
    file.write_bytes(b"\xff\xfe\x00\x81")
    page.turn_to("learn")
    page.choose(file, "#file")
    page.until("!document.getElementById('line').hidden")
    assert "not UTF-8" in page.text("#line")
    assert page.value("document.getElementById('survey').hidden")
