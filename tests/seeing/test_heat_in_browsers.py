"""The pages of surprise and of units, opened from the disk by the browsers themselves."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from tests.browsers.driving import Browser, Chromium, Firefox, chromium, firefox
from tests.exports.models import example
from tests.seeing.test_scoring import corpus_of, scorer_of, some_text
from understudy.api import Model
from understudy.generation.portable.engine import PortableEngine
from understudy.model.file import ModelFile
from understudy.seeing.heat import ALTERNATIVES, head, page
from understudy.seeing.units import look
from understudy.seeing.units import page as units_page
from understudy.seeing.visible import visible

pytestmark = pytest.mark.slow
BROWSERS: dict[str, Callable[[], AbstractContextManager[Chromium | Firefox]]] = {
    "chromium": chromium,
    "firefox": firefox,
}
HOSTILE = "</div><script>alert(1)</script>&amp;<img src=x onerror=alert(2)>\n\x1b[31m abc\u202eабв\r\n漢🎭 \x07zwölf\n"


@pytest.fixture(scope="module", params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with BROWSERS[request.param]() as found:
        yield found


def opened(browser: Browser, model: ModelFile, text: str, folder: Path, *, fresh: bool = False) -> None:
    corpus = corpus_of(folder / "text", text, kind=model.vocabulary.kind)
    found = head(corpus, model.vocabulary, scorer_of(model, ALTERNATIVES), fresh=fresh)
    place = folder / "page.html"
    made = page(found, model.vocabulary, title=f"Surprise in {text[:30]}", what=text[:40], counts="some")
    place.write_text(made, encoding="utf-8")
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(place)


def key(browser: Browser, name: str) -> str:
    """Press a key in the text; what is told then."""
    pressed = f"new KeyboardEvent('keydown', {{ key: '{name}', bubbles: true }})"
    browser.evaluate(f"document.getElementById('text').dispatchEvent({pressed})")
    return str(browser.evaluate("document.getElementById('told').textContent"))


def likeliest(browser: Browser) -> list[str]:
    entries = "document.querySelectorAll('#likeliest li')"
    found: list[str] = browser.evaluate(f"Array.from({entries}, (entry) => entry.textContent)")
    return found


def assert_alone(browser: Browser) -> None:
    assert browser.requests == []
    assert browser.complaints == []


@pytest.mark.parametrize("symbols", ["ab 漢\n<script>/", ""], ids=["characters", "bytes"])
def test_hostile_text_is_text_and_nothing_complains(browser: Browser, symbols: str, tmp_path: Path) -> None:
    opened(browser, example(symbols=symbols), HOSTILE * 3, tmp_path)
    shown = HOSTILE.replace("\x1b", "␛").replace("\u202e", "□").replace("\r", "␍").replace("\x07", "␇") * 3
    assert browser.evaluate("document.getElementById('text').textContent") == shown
    assert browser.evaluate("document.querySelectorAll('img, main script').length") == 0
    for _ in range(len(shown) + 3):
        key(browser, "ArrowRight")
    assert_alone(browser)


def test_the_arrows_tell_what_the_model_gives(browser: Browser, tmp_path: Path) -> None:
    model, text = example(), "abc, Ü漢é🎭 xyz\nnext line!"
    opened(browser, model, text, tmp_path)
    nats = Model(model).score(text)
    browser.evaluate("document.getElementById('text').dispatchEvent(new FocusEvent('focus'))")
    assert browser.evaluate("document.getElementById('told').textContent") == "a: nothing stands before it"
    names = {" ": "a space", "\n": "a line’s end"}
    for character, expected in zip(text[1:], nats[1:].tolist(), strict=True):
        told = key(browser, "ArrowRight")
        name = names.get(character, character)
        if math.isnan(expected):
            assert told == f"{name}: the model never saw it"
            assert likeliest(browser) == []
        else:
            said, surprise = told.split(" nats")[0].split(": ")
            assert said == name
            assert float(surprise) == pytest.approx(expected, abs=0.006)
            shares = [entry.rsplit(" ", 1) for entry in likeliest(browser)]
            assert len(shares) == ALTERNATIVES
            given = [share for entry, share in shares if entry == name]
            if given and "under" not in given[0]:
                assert float(given[0].rstrip("%")) / 100 == pytest.approx(math.exp(-expected), abs=0.006)
    told = key(browser, "ArrowRight")
    assert told.startswith("!"), "at the end it stays there"
    assert key(browser, "ArrowLeft").startswith("e:")
    assert_alone(browser)


def test_surprises_are_found_by_keys_and_by_the_pointer(browser: Browser, tmp_path: Path) -> None:
    model, text = example(), "a" + some_text(800, 7)
    opened(browser, model, text, tmp_path)
    nats = Model(model).score(text)
    bound = float(np.nanmean(nats) + 2 * np.nanstd(nats))
    surprising = [place for place, value in enumerate(nats.tolist()) if value >= bound - 1e-3]
    assert surprising, "something is"
    browser.evaluate("document.getElementById('next').click()")
    told = browser.evaluate("document.getElementById('told').textContent")
    assert float(told.split(" nats")[0].split(": ")[1]) == pytest.approx(float(nats[surprising[0]]), abs=0.006)
    browser.evaluate("window.scrollTo(0, 0)")
    box = browser.evaluate(
        "(() => { const range = document.createRange(); const node = document.querySelector('#text span').firstChild;"
        "range.setStart(node, 0); range.setEnd(node, 1); const box = range.getBoundingClientRect();"
        "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    browser.evaluate(
        "new Promise((done) => { document.getElementById('text').dispatchEvent(new PointerEvent('pointermove', "
        f"{{ clientX: {box[0]}, clientY: {box[1]}, bubbles: true }})); setTimeout(() => done(0), 300); }})"
    )
    assert browser.evaluate("document.getElementById('told').textContent") == "a: nothing stands before it"
    assert_alone(browser)


def test_a_telephone_shows_all_of_it(browser: Browser, tmp_path: Path) -> None:
    opened(browser, example(), "x" * 300 + "\n" + "abc def " * 60, tmp_path, fresh=True)
    for width in (360, 1280):
        browser.resize(width, 800)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_units_are_leafed_through(browser: Browser, tmp_path: Path) -> None:
    model = example("lstm-3-0")
    text = HOSTILE + "abc (def) xyz\n" * 20
    engine = PortableEngine(model, numbers="float32")
    looked = look(corpus_of(tmp_path / "text", text), model.vocabulary, engine, model.config)
    place = tmp_path / "units.html"
    place.write_text(units_page(looked, title=text[:20], what=text), encoding="utf-8")
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(place)
    assert browser.evaluate("document.getElementById('text').textContent.length") == len(visible(looked.text)) + sum(
        ord(character) > 0xFFFF for character in looked.text
    )
    count = model.config.layers * model.config.units
    follow = next(iter(looked.follow.values()))[0]
    chosen = follow.layer * model.config.units + follow.unit
    browser.evaluate(f"document.querySelector('[data-unit=\"{chosen}\"]').click()")
    for step in range(3):
        layer, unit = (int(browser.evaluate(f"document.getElementById('{name}').value")) for name in ("layer", "unit"))
        which = (chosen + step) % count
        assert (layer - 1) * model.config.units + unit == which
        numbers = looked.hidden[:, layer - 1, unit]
        classes = browser.evaluate("Array.from(document.querySelectorAll('#text span'), (span) => span.className)")
        for name, value in zip(classes, np.round(127 * numbers) / 127, strict=True):
            level = sum(abs(value) >= bound for bound in (0.1, 0.35, 0.65))
            assert name == (f"{'p' if value > 0 else 'm'}{level}" if level else "")
        browser.evaluate("document.getElementById('next').click()")
    for width in (360, 1280):
        browser.resize(width, 800)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert_alone(browser)
