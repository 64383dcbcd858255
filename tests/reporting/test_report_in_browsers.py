"""A report, opened from the disk by the browsers themselves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.browsers.driving import Browser, Chromium, Firefox, chromium, firefox
from tests.reporting.test_hostile_reports import HOSTILE
from understudy.cli.main import main
from understudy.layout import REPORT

pytestmark = pytest.mark.slow
BROWSERS: dict[str, Callable[[], AbstractContextManager[Chromium | Firefox]]] = {
    "chromium": chromium,
    "firefox": firefox,
}


@pytest.fixture(scope="module", params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with BROWSERS[request.param]() as found:
        yield found


@pytest.mark.parametrize("width", [320, 360, 1200])
@pytest.mark.parametrize("dark", [False, True])
def test_a_report_fits_and_asks_for_nothing(width: int, dark: bool, browser: Browser, tmp_path: Path) -> None:
    text, run = tmp_path / "text.txt", tmp_path / "run"
    text.write_text(HOSTILE * 60, encoding="utf-8", newline="")
    tiny = ("--preset", "tiny", "--units", "12", "--steps", "60", "--evaluate-every", "10", "--quiet")
    assert main(["train", str(text), "--out", str(run), *tiny]) == 0
    browser.requests.clear()
    browser.complaints.clear()
    browser.resize(width, 900, dark=dark)
    browser.open(run / REPORT)
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.evaluate("document.querySelectorAll('svg.picture').length") == 2
    assert browser.evaluate("document.querySelectorAll('script').length") == 0
    for name in ("svg.picture", "#page", "#recipe ~ .scroll"):
        assert browser.evaluate(f"document.querySelector('{name}').getBoundingClientRect().width") <= width
    ink, ground = (
        browser.evaluate(f"getComputedStyle({of}).{name}")
        for of, name in (("document.querySelector('.picture text')", "fill"), ("document.body", "backgroundColor"))
    )
    assert ink != ground
    assert browser.requests == []
    assert browser.complaints == []
