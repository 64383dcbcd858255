"""Pages, opened from the disk by the browsers themselves: they write what Python writes, and ask for nothing."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.browsers.driving import Browser, Chromium, Firefox, chromium, firefox
from tests.exports.models import example
from tests.exports.pages import asked, opened, written
from understudy.generation.sampling import LARGEST_SEED
from understudy.model import file
from understudy.model.file import ModelFile

pytestmark = pytest.mark.slow
Starting = AbstractContextManager[Chromium | Firefox]
BROWSERS: dict[str, Callable[[], Starting]] = {"chromium": chromium, "firefox": firefox}


@pytest.fixture(scope="module", params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with BROWSERS[request.param]() as found:
        yield found


@pytest.fixture(scope="module")
def boxed() -> ModelFile:
    return file.read("@shakespeare")


def assert_alone(browser: Browser) -> None:
    assert browser.requests == []
    assert browser.complaints == []


def test_the_harness_sees_what_a_page_asks_for(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "asking.html"
    page.write_text("<!DOCTYPE html><meta charset='utf-8'><img src='http://example.invalid/seen.png'>", "utf-8")
    browser.requests.clear()
    browser.open(page)
    assert [address for address in browser.requests if "seen.png" in address]


def test_the_boxed_model_writes_what_python_writes_and_asks_for_nothing(
    browser: Browser, boxed: ModelFile, tmp_path: Path
) -> None:
    opened(browser, boxed, tmp_path, called="@shakespeare")
    came = asked(browser, seed=7, length=2000)
    assert came.text == written(boxed, seed=7, length=2000)
    assert came.shown.rstrip("\n") == came.text.rstrip("\n")
    assert came.command == "understudy generate @shakespeare --length 2000 --temperature 0.8 --seed 7"
    came = asked(browser, start="ROMEO:\nWhat's", seed=LARGEST_SEED, length=500, temperature=1.1, top_k=9, top_p=0.9)
    options: dict[str, Any] = {"temperature": 1.1, "top_k": 9, "top_p": 0.9}
    assert came.text == written(boxed, "ROMEO:\nWhat's", seed=LARGEST_SEED, length=500, **options)
    assert "WebAssembly." in browser.evaluate("document.getElementById('engine').textContent")
    assert_alone(browser)


def test_it_writes_as_it_draws_and_the_page_is_served_meanwhile(
    browser: Browser, boxed: ModelFile, tmp_path: Path
) -> None:
    opened(browser, boxed, tmp_path)
    came = asked(browser, seed=1, length=3000)
    assert came.first is not None
    assert came.first < came.took / 4
    assert came.ticks > 10


def test_the_command_in_the_page_prints_its_text(browser: Browser, tmp_path: Path) -> None:
    model = example("gru-1-0", symbols="\n !'$\\-=abcé🎭\u00ad\u202e")
    place = tmp_path / "a model"
    place.mkdir()
    model.write(place / "model.safetensors")
    opened(browser, model, tmp_path, called=str(place))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for fields in (
        {"start": "-a '$a\\\n", "length": 60, "temperature": 1.3},
        {"start": "\u00ad\u202eé🎭", "length": 60, "top_k": 5, "top_p": 0.5, "stop": "-\\nq\n\\\\a\nz"},
        {"start": "aXbYc", "skip": True, "length": 40, "temperature": 0},
    ):
        came = asked(browser, **fields, seed=5)
        assert came.trouble == ""
        printed = subprocess.run(
            ["bash", "-c", came.command], env={**os.environ, "PATH": path}, capture_output=True, check=True
        )
        assert printed.stdout.decode() == came.text + "\n"
        assert came.command.startswith(f"understudy generate {shlex.quote(str(place))} ")


@pytest.mark.parametrize("kind", ["gru-2-0", "lstm-1-50"])
def test_every_setting_means_what_it_means_in_python(browser: Browser, kind: str, tmp_path: Path) -> None:
    model = example(kind)
    opened(browser, model, tmp_path)
    settings: list[dict[str, Any]] = [
        {"length": 0},
        {"length": 1},
        {"temperature": 0},
        {"temperature": 1e-31},
        {"temperature": 2.5},
        {"top_k": 1},
        {"top_k": 5000},
        {"top_p": 1e-6},
        {"top_p": 1},
        {"top_k": 4, "top_p": 0.6, "temperature": 3},
        {"prompt": "a"},
        {"prompt": "漢🎭\n\n  é"},
        {"prompt": "a0b1", "skip": True},
        {"prompt": "012", "skip": True},
        {"stop": ["a"]},
        {"stop": ["\n", "e"]},
        {"stop": ["🎭", "漢", "Ж"], "temperature": 2},
        {"stop": ["abc", "no such text", "ab", "b,"], "temperature": 2, "length": 2000},
    ]
    for number, setting in enumerate(settings):
        setting = {"length": 120} | setting
        fields = dict(setting)
        fields["start"] = fields.pop("prompt", "")
        fields["stop"] = "\n".join(fields.get("stop", [])).replace("\n\n", "\n")
        if setting.get("stop") == ["\n", "e"]:
            fields["stop"] = "\\n\ne"
        came = asked(browser, **fields, seed=number)
        assert came.trouble == ""
        assert came.text == written(model, seed=number, **setting), setting
    assert_alone(browser)


def test_bytes_are_shown_when_a_character_is_whole(browser: Browser, tmp_path: Path) -> None:
    model = example(symbols="")
    opened(browser, model, tmp_path)
    for seed in range(6):
        came = asked(browser, start="é🎭", seed=seed, length=700, temperature=1 + seed)
        assert came.text == written(model, "é🎭", seed=seed, length=700, temperature=1 + seed)
        assert f"Wrote 700 bytes, with seed {seed}" in came.status
    assert_alone(browser)


def test_a_browser_without_simd_writes_the_same(boxed: ModelFile, tmp_path: Path) -> None:
    starting: list[Starting] = [chromium(), firefox(**{"javascript.options.wasm": False})]
    for started in starting:
        with started as browser:
            if isinstance(browser, Chromium):
                browser.tell("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.WebAssembly")
            opened(browser, boxed, tmp_path)
            came = asked(browser, seed=3, length=300)
            assert "JavaScript" in browser.evaluate("document.getElementById('engine').textContent")
            assert came.text == written(boxed, seed=3, length=300)
            assert came.ticks > 5
            assert_alone(browser)


def test_without_scripts_the_page_says_that_it_wants_to_be_hosted(tmp_path: Path) -> None:
    with chromium() as browser:
        browser.tell("Emulation.setScriptExecutionDisabled", value=True)
        opened(browser, example(), tmp_path)
        visible = browser.evaluate("document.body.innerText")
        assert "does not run here" in visible
        assert "Scripts are switched off" in visible
        assert "python3 -m http.server" in visible
        assert "Temperature" not in visible
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
        opened(browser, example(), tmp_path)
        assert "does not run here" not in browser.evaluate("document.body.innerText")


def test_nothing_in_a_model_becomes_part_of_the_page(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><!--<script>document.title='x'</script><img src=x onerror=\"document.title='x'\"> & $title &lt;"
    model = replace(
        example(symbols="".join(sorted(set(hostile + "\u2028\u2029\x00\r")))),
        training={"corpus": {"name": hostile}},
        card={hostile: hostile, "</dl>": "'\""},
    )
    opened(browser, model, tmp_path, called=hostile)
    assert browser.evaluate("document.title") == f"Writes like {hostile}"
    assert browser.evaluate("document.querySelector('h1').textContent") == f"Writes like {hostile}"
    assert browser.evaluate("Array.from(document.querySelectorAll('dd'), (dd) => dd.textContent)")[-2:] == [
        hostile,
        "'\"",
    ]
    assert browser.evaluate("document.querySelectorAll('img').length") == 0
    came = asked(browser, start=hostile, seed=1, length=300, temperature=2)
    assert came.text == written(model, hostile, seed=1, length=300, temperature=2)
    assert shlex.split(came.command)[2:5] == [hostile, "--start", hostile]
    assert browser.evaluate("document.querySelectorAll('#text img, #text script').length") == 0
    assert_alone(browser)


@pytest.mark.parametrize(
    ("fields", "where", "said"),
    [
        ({"start": "a1b漢2"}, "start", "never saw 1 (U+0031), 2 (U+0032)"),
        ({"length": "many"}, "length", "Length many: expected a whole number from 0 to 1000000"),
        ({"length": ""}, "length", "expected a whole number"),
        ({"length": "1000001"}, "length", "expected a whole number"),
        ({"temperature": "-1"}, "temperature", "Temperature -1: expected a number from 0"),
        ({"temperature": "1e999"}, "temperature", "expected a number"),
        ({"seed": str(LARGEST_SEED + 1)}, "seed", f"from 0 to {LARGEST_SEED}"),
        ({"top_k": 0}, "top-k", "expected a whole number from 1"),
        ({"top_p": 0}, "top-p", "above 0 and at most 1"),
        ({"top_p": 1.5}, "top-p", "above 0 and at most 1"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_where_it_is(
    browser: Browser, fields: dict[str, Any], where: str, said: str, tmp_path: Path
) -> None:
    opened(browser, example(), tmp_path)
    came = asked(browser, **({"length": 5, "temperature": 1} | fields))
    assert said in came.trouble
    assert "\n" not in came.trouble
    assert browser.evaluate("document.activeElement.id") == where
    assert browser.evaluate(f"document.getElementById('{where}').getAttribute('aria-invalid')") == "true"


def test_a_seed_by_chance_is_told_and_gives_the_text_again(browser: Browser, tmp_path: Path) -> None:
    opened(browser, example(), tmp_path)
    first, other = asked(browser, length=80), asked(browser, length=80)
    assert first.text != other.text
    seed = shlex.split(first.command)[-1]
    assert f"with seed {seed}" in first.status
    assert asked(browser, length=80, seed=seed).text == first.text


def test_whoever_stops_it_gets_the_command_for_what_is_there(browser: Browser, tmp_path: Path) -> None:
    model = example()
    opened(browser, model, tmp_path)
    browser.evaluate("setTimeout(() => document.getElementById('write').click(), 150) && 0")
    came = asked(browser, length=1_000_000, seed=2, stop="no such text")
    assert "until it was stopped" in came.status
    length = int(shlex.split(came.command)[shlex.split(came.command).index("--length") + 1])
    assert 0 < length < 1_000_000
    assert came.text == written(model, length=length, seed=2, stop=["no such text"])
    assert came.shown.rstrip("\n") == came.text.rstrip("\n")


def test_what_is_saved_is_what_the_command_prints(browser: Browser, tmp_path: Path) -> None:
    opened(browser, example(), tmp_path)
    came = asked(browser, start="ab\né", length=50, seed=2)
    saved = browser.evaluate(
        "new Promise((resolve) => { const made = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { blob.text().then(resolve); return '#saved'; };"
        "document.getElementById('save').click(); URL.createObjectURL = made; })"
    )
    assert saved == came.text + "\n"


def test_a_telephone_shows_all_of_it_and_a_reader_of_screens_finds_names(browser: Browser, tmp_path: Path) -> None:
    opened(browser, replace(example(symbols="abc"), card={"Long": "x" * 500}), tmp_path)
    browser.evaluate("document.querySelector('details').open = true")
    for width in (360, 1280):
        browser.resize(width, 800)
        asked(browser, length=600, seed=1)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        browser.evaluate(
            "Array.from(document.querySelectorAll('input, textarea')).filter((field) => !field.labels.length).length"
        )
        == 0
    )
    pointing = ("aria-labelledby", "aria-describedby", "for")
    for name in pointing:
        told = f"Array.from(document.querySelectorAll('[{name}]'), (part) => part.getAttribute('{name}'))"
        assert browser.evaluate(f"{told}.filter((id) => !document.getElementById(id))") == []


def test_keys_are_enough_and_an_old_clipboard_too(tmp_path: Path) -> None:
    model = example()
    with chromium() as browser:
        opened(browser, model, tmp_path, called="mine")
        reached: list[str] = []
        while not reached or reached[-1] != "write":
            browser.press("Tab")
            reached.append(browser.evaluate("document.activeElement.id || document.activeElement.tagName"))
        assert reached == ["start", "length", "temperature", "seed", "SUMMARY", "write"]
        browser.evaluate("(document.getElementById('seed').value = '3') && document.getElementById('length').select()")
        browser.press("4", "0", "Enter")
        written_here = "document.getElementById('status').textContent.startsWith('Wrote 40 characters')"
        browser.evaluate(f"new Promise((done) => setInterval(() => {written_here} && done(0), 10))")
        for _ in range(5):
            browser.press("Tab")
        assert browser.evaluate("document.activeElement.id") == "copy"
        browser.evaluate(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined }) &&"
            "(document.oncopy = () => { window.copied = document.activeElement.value; }) && 0"
        )
        browser.press("Space")
        browser.evaluate("new Promise((done) => setInterval(() => window.copied !== undefined && done(0), 10))")
        assert browser.evaluate("window.copied") == written(model, seed=3, length=40)
        assert browser.evaluate("[document.activeElement.id, document.getElementById('said').textContent]") == [
            "copy",
            "Copied",
        ]
