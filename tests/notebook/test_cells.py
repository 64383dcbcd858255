"""What prompts and cells show of models, samples and scores: readable, and text stays text."""

import copy
import math
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import understudy
from tests.notebook.conftest import SETTINGS
from understudy import Model, Run
from understudy.seeing.levels import LEVELS, bounds_of

HOSTILE = "</div><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\x1b[31m\u202eabc\r\n"
ALLOWED = {"div", "span", "strong", "table", "tr", "th", "td"}


class Shown(HTMLParser):
    """What a cell shows: its text, and the elements that it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements = "", list[tuple[str, str]]()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert all(re.fullmatch("style|scope|role|aria-[a-z]+", name) for name, _ in attributes)
        self.elements.append((tag, dict(attributes).get("style") or ""))

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(value: Any) -> Shown:
    html = value._repr_html_()
    assert not re.search(r"https?:|url\(|@import", html)
    return Shown(html)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of a text, in a file and a folder, that would be markup and control a terminal if they could."""
    place = tmp_path_factory.mktemp("hostile")
    path = place / "<b>\x1b[31m.txt"
    path.write_text(HOSTILE * 200, encoding="utf-8", newline="")
    return understudy.train(path, out=place / "<i>run\x1b[0m", quiet=True, **(SETTINGS | {"steps": 15}))


def test_nothing_that_is_shown_is_markup_or_controls_a_terminal(hostile: Model, tmp_path: Path) -> None:
    stream = hostile.stream(HOSTILE, length=60, seed=1)
    "".join(stream)
    values = [
        hostile,
        hostile.samples(HOSTILE, length=60, seed=1)[0],
        hostile.score(HOSTILE),
        hostile.history,
        hostile.evaluate(HOSTILE),
        Run("a text", out="<b>\x1b[31m"),
    ]
    for value in (*values, stream):
        assert "\x1b" not in shown(value).text
        assert not {"\x1b", "\u202e", "\r"} & set(repr(value))
    assert "<script>alert(1)</script>" in shown(values[1]).text
    assert shown(values[2]).text.count("onerror") == 1


def test_a_model_tells_what_it_is_and_how_good(undisturbed: Path) -> None:
    model = understudy.load(undisturbed)
    loss = f"{model.training['validation_loss']:.4f}"
    for told in (repr(model), shown(model).text):
        for part in ("LSTM 12", "embedding 8", f"{model.config.parameters:,} parameters", "text", "45 steps", loss):
            assert part in told
    assert "65 characters" in repr(understudy.load("@shakespeare"))


def test_samples_and_streams_show_their_text(undisturbed: Path) -> None:
    model = understudy.load(undisturbed)
    (sample,) = model.samples("A", length=30, seed=7)
    for told in (repr(sample), shown(sample).text):
        assert "seed 7" in told
        assert f"A{sample.text}" in told
    assert ("strong", "") in shown(sample).elements
    stream = model.stream("A", length=30, seed=7)
    next(stream)
    assert "goes on" in repr(stream)
    "".join(stream)
    assert sample.text in repr(stream)


def test_a_score_of_an_evaluation_is_said_in_nats_and_bits(undisturbed: Path) -> None:
    score = understudy.load(undisturbed).evaluate("a text of some letters", protocol="windowed", window=8)
    for told in (repr(score), shown(score).text):
        for part in (f"{score.loss:.4f}", f"{score.loss / math.log(2):.4f}", str(score.characters), "in windows of 8"):
            assert part in told


def test_a_scored_text_serves_as_an_array(undisturbed: Path) -> None:
    text = "some letters, and \u4e00 more"
    score = understudy.load(undisturbed).score(text)
    nats = np.asarray(score)
    assert (nats.dtype.name, nats.shape, len(score)) == ("float32", (len(text),), len(text))
    assert np.flatnonzero(np.isnan(score)).tolist() == [0, text.index("\u4e00")]
    assert np.nanmean(score) == np.nanmean(nats) == pytest.approx(score.mean)
    assert [*score][3] == score[3] == nats[3]
    assert score[2:5].tolist() == nats[2:5].tolist()
    np.testing.assert_array_equal(score, nats)
    np.testing.assert_array_equal(score / np.log(2), nats / np.log(2))
    np.testing.assert_array_equal(score > 2.0, nats > 2.0)
    np.testing.assert_array_equal(np.concatenate([score, score]), np.concatenate([nats, nats]))
    assert math.isnan(np.mean(score))
    assert score[score > score.mean].max() == score[~np.isnan(score)].max()
    for again in (copy.deepcopy(score), pickle.loads(pickle.dumps(score))):
        np.testing.assert_array_equal(again, nats)
        assert (again.text, again._repr_html_()) == (text, score._repr_html_())
    assert "2 not predicted" in repr(score)
    assert "none of them predicted" in repr(understudy.load(undisturbed).score("a"))
    assert len(understudy.load(undisturbed).score("")) == 0


def test_the_colours_are_the_levels_of_surprise_and_lines_say_the_same(undisturbed: Path) -> None:
    text = "Some letters that are common, zzzqqqjjj\u4e00!"
    score = understudy.load(undisturbed).score(text)
    looks = [style for tag, style in shown(score).elements if tag == "span" and style]
    bounds = bounds_of(np.asarray(score, np.float64))
    reached = {sum(nats >= bound for bound in bounds) for nats in score if not math.isnan(nats)} - {0}
    assert reached
    legend = looks[-LEVELS - 1 : -1]
    assert len(set(legend)) == LEVELS
    assert {legend.index(style) + 1 for style in looks[: -LEVELS - 1] if style in legend} == reached
    lines = [re.search(r"underline (\w+)", style) for style in legend]
    assert [line and line[1] for line in lines] == [None, None, "dotted", "solid", "double"]
    assert looks[-1] in looks[: -LEVELS - 1], "what was never seen is framed"
    assert text in shown(score).text


def test_a_model_of_bytes_colours_characters(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("Füße und Wörter, ÄÖÜ.\n" * 300, encoding="utf-8")
    settings = SETTINGS | {"steps": 15}
    model = understudy.train(tmp_path / "text.txt", out=tmp_path / "run", vocabulary="bytes", quiet=True, **settings)
    score = model.score("Füße")
    assert len(score) == len("Füße".encode())
    assert "Füße" in "".join(re.findall(r"[A-Za-zßü]+", shown(score).text))
    assert "bytes" in repr(score)
