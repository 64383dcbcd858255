"""The site as `make docs` builds it: no warning, every link leads somewhere, and nothing comes from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import understudy
from docs.making import references
from tests.browsers.driving import chromium
from tests.docs.blocks import DOCS, ROOT
from understudy.cli.main import parser

pytestmark = pytest.mark.slow
pytest.importorskip("sphinx", reason="no Sphinx here: make docs")
ELSEWHERE = ("https://www.sphinx-doc.org/", "https://pradyunsg.me", "https://github.com/pradyunsg/furo")
"""Addresses that pages link to: those of what made them, at the foot of each page."""
LOADS = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("object", "data"), ("use", "href")}
"""Where a page names what is to be fetched with it; `link` beside."""
SEEN = (
    "index",
    "tutorial",
    "guide/learn",
    "guide/names",
    "reference/commands",
    "reference/python",
    "results",
    "search",
)


def build(source: Path, into: Path) -> "subprocess.CompletedProcess[str]":
    """What `make docs` runs, on other folders."""
    flags = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--builder", "html")
    assert " ".join(flags) in (ROOT / "Makefile").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", *flags, str(source), str(into)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew."""
    into = tmp_path_factory.mktemp("site")
    ended = build(DOCS, into)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return into


class Page(HTMLParser):
    """What a page has: the places in it, where it leads, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.places, self.leads, self.loads, self.styles = set[str](), set[str](), set[str](), ""
        self._in_style = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.styles += given.get("style", "")
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.leads.add(given["href"])
        if tag == "link" and "href" in given:
            self.loads.add(given["href"])
        self.loads |= {given[name] for name in given if (tag, name) in LOADS}
        assert "srcset" not in given
        assert "action" not in given or "://" not in given["action"]

    def handle_data(self, data: str) -> None:
        self.styles += data if self._in_style else ""


@cache
def page(path: Path) -> Page:
    return Page(path)


def pages(site: Path) -> list[Path]:
    found = sorted(site.rglob("*.html"))
    assert len(found) > 25
    return found


def test_every_document_has_its_page(site: Path) -> None:
    for document in (*DOCS.rglob("*.md"), DOCS / "tutorial.ipynb"):
        assert (site / document.relative_to(DOCS)).with_suffix(".html").is_file()


def test_all_links_between_pages_lead_to_places_that_are_there(site: Path) -> None:
    followed = 0
    for path in pages(site):
        for link in page(path).leads | page(path).loads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            assert not parts.netloc, f"{path}: {link}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_relative_to(site.resolve()) or target == path, f"{path}: {link}"
            assert target.is_file(), f"{path}: {link}"
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in page(target).places, f"{path}: {link}"
            followed += 1
    assert followed > 1000


def test_pages_lead_elsewhere_in_few_places_that_are_known(site: Path) -> None:
    for path in pages(site):
        away = {link for link in page(path).leads if urlsplit(link).scheme}
        assert all(link.startswith(ELSEWHERE) for link in away), f"{path}: {away}"


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path in pages(site):
        assert not [name for name in page(path).loads if urlsplit(name).scheme not in ("", "data")], path
        assert not addresses(page(path).styles), path
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        assert not addresses(path.read_text(encoding="utf-8")), path
    for path in site.rglob("*.js"):  # comments name addresses; what is asked for is said in these words
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(fetch|import|open|src\s*=|XMLHttpRequest)\s*\(?\s*["'`](https?:)?//""", text), path
        assert "XMLHttpRequest" not in text, path


def addresses(style: str) -> list[str]:
    """What a style sheet has fetched from elsewhere."""
    named = re.findall(r"url\(\s*[\"']?([^\"')]*)", style) + re.findall(r"@import\s+[\"']([^\"']*)", style)
    return [name for name in named if not name.startswith(("data:", "#")) and "//" in name]


def test_every_flag_has_a_place_of_its_own_in_the_command_reference(site: Path) -> None:
    there = page(site / "reference" / "commands.html").places
    for name, command in references.subparsers(parser()).items():
        for action in command._actions:
            for flag in action.option_strings:
                assert f"cmdoption-understudy-{name}-{flag.lstrip('-')}" in there, f"{name} {flag}"


def test_every_public_name_and_its_methods_have_a_place_in_the_python_reference(site: Path) -> None:
    there = page(site / "reference" / "python.html").places
    for name in understudy.__all__:
        assert f"understudy.{name}" in there
        found = getattr(understudy, name)
        if isinstance(found, type) and not issubclass(found, Exception):
            methods = [part for part, value in vars(found).items() if not part.startswith("_") and value.__doc__]
            for part in methods:
                assert f"understudy.{name}.{part}" in there, f"{name}.{part}"


def test_formulas_are_mathml(site: Path) -> None:
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    assert "<math" in text
    assert "\\(" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert not [name for name in page(site / "tutorial.html").loads if "mathjax" in name.lower()]


def test_without_the_tutorial_no_site_is_built(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("tutorial.ipynb"))
    ended = build(tmp_path / "docs", tmp_path / "site")
    assert ended.returncode != 0
    assert "tutorial.ipynb is missing" in ended.stderr
    assert not (tmp_path / "site" / "index.html").exists()


def test_pages_fit_wide_and_narrow_screens_and_ask_for_nothing(site: Path) -> None:
    with chromium() as browser:
        for name in SEEN:
            for width, dark in ((1280, False), (1280, True), (360, False), (360, True)):
                browser.resize(width, 900, dark=dark)
                browser.open(site / f"{name}.html")
                seen = f"{name}, {width} pixels, {'dark' if dark else 'light'}"
                assert browser.evaluate("document.documentElement.scrollWidth") <= width, seen
                background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
                (lightness,) = {int(number) < 128 for number in re.findall(r"\d+", background)[:3]}
                assert lightness == dark, seen
                assert not browser.complaints, (seen, browser.complaints)
        asked = {urlsplit(address).scheme for address in browser.requests}
        assert asked <= {"file", "data"}


def test_searching_works_from_the_disk(site: Path) -> None:
    with chromium() as browser:
        browser.open(site / "search.html")
        browser.evaluate("(document.querySelector('input[name=q]').value = 'perplexity', 0)")
        browser.evaluate("(location.search = '?q=perplexity', 0)")
        found = browser.evaluate(
            """new Promise((done) => { const look = () => {
                const links = [...document.querySelectorAll('#search-results ul.search a')];
                links.length ? done(links.map((link) => link.href)) : setTimeout(look, 50); }; look(); })"""
        )
        assert any("guide/evaluate.html" in link for link in found)
        assert not browser.complaints


@pytest.mark.parametrize(
    ("head", "known"),
    [
        ('<svg width="504pt" viewBox="0 0 504 288">', ["wide"]),
        ('<svg viewBox="0 0 340 446" width="340">', []),
        ('<?xml version="1.0"?>\n<svg width="291.6pt">', []),
        ('<svg width="1000">', ["wide", "wider"]),
        ("no picture", []),
    ],
)
def test_pictures_that_a_screen_would_shrink_are_known(head: str, known: list[str], tmp_path: Path) -> None:
    from docs.making import pictures

    (tmp_path / "picture.svg").write_text(head)
    assert pictures.classes(tmp_path / "picture.svg") == known


def test_a_prime_is_no_smaller_than_its_font_has_it() -> None:
    from docs.making import mathml

    assert mathml.formula("h'", "inline") == mathml.formula("h", "inline").replace("<mi>h</mi>", "<mi>h</mi><mo>′</mo>")
    assert "<msub><mi>c</mi><mi>t</mi></msub><mo>′</mo>" in mathml.formula("c'_t", "block")
