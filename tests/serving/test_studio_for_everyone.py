"""The studio for everyone: keys alone, a screen reader, a phone, a long text, a server with a key."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.browsers.driving import chromium
from tests.browsers.hands import LOOPBACK
from tests.serving.running import serving
from tests.serving.studio import Studio

pytestmark = pytest.mark.slow
PLACES = ("learn", "write", "see")
NAMES = """
(() => {
  const shown = (one) => one.checkVisibility() && !one.closest('[hidden]');
  const name = (one) => one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent || '';
  return Array.from(document.querySelectorAll('button, input, select, textarea, a, summary, [role=treeitem]'))
    .filter(shown).filter((one) => !name(one).trim()).map((one) => one.outerHTML);
})()
"""
SMALL = """
(() => Array.from(document.querySelectorAll('button, select, textarea, summary, nav a, .button, [type=range]'))
  .filter((one) => one.checkVisibility())
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
  .map((one) => one.outerHTML))()
"""
CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (part) => (part <= 0.03928 * 255 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0.99) return found;
    }
    return numbers(getComputedStyle(document.body).backgroundColor);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility()) continue;
    if (one.closest('.mirror, script, noscript, option, :disabled, .unseen')) continue;
    const style = getComputedStyle(one);
    if (style.visibility !== 'visible') continue;
    const [text, back] = [light(numbers(style.color)), light(ground(one))];
    const contrast = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (contrast < 4.5) found.push([contrast, walker.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
})()
"""
BARE = (
    "<div id='paper' style='height: 700px; overflow: auto'><textarea id='words' spellcheck='false' "
    "style='width: 700px; height: 45000px; font: 18px serif'></textarea></div>"
)
KEYSTROKES = """
(() => {
  const field = document.getElementById('words');
  let [pressed, handled, frame] = [0, 0, 0];
  window.worked = [];
  field.addEventListener('keydown', () => {
    pressed = performance.now();
    requestAnimationFrame(() => {
      frame = performance.now();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.worked.push(handled - pressed + performance.now() - frame);
      channel.port2.postMessage(0);
    });
  }, true);
  field.addEventListener('input', () => { handled = performance.now(); });
})()
"""
"""Takes down, for each key, how long the page worked for it: until it was handled, and then for the next frame."""


def filled(page: Studio, text: str) -> None:
    """Put a text in at once, as one pastes it."""
    page.editing()
    page.browser.tell("Input.insertText", text=text)
    page.until(f"document.getElementById('words').value.length >= {len(text)}")


def keys_worked(page: Studio) -> dict[str, list[float]]:
    """Milliseconds of work for each of 21 keys in a text of 100,000 characters, in order of size, by where."""
    page.editing()
    page.value("document.getElementById('paper').scrollTop = 1e9")
    page.value(KEYSTROKES)
    worked = {}
    for where, place in (("at the end", 100_000), ("in the midst", 50_000)):
        page.value(
            f"(() => {{ document.getElementById('words').setSelectionRange({place}, {place});"
            "const paper = document.getElementById('paper');"
            f"paper.scrollTop = {place} / 100000 * paper.scrollHeight - 300; window.worked = []; }})()"
        )
        time.sleep(0.5)
        for key in "and so the keys go on":
            page.key(key)
            time.sleep(0.03)
        page.until("window.worked.length === 21")
        worked[where] = sorted(page.value("window.worked"))
    return worked


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_control_has_a_name_is_large_enough_and_can_be_read(page: Studio, dark: bool) -> None:
    page.browser.resize(1280, 900, dark=dark)
    filled(page, "The king is here.\nAnd so is the queen.\n")
    page.write_on()
    page.key(".", 2)
    page.until("document.querySelectorAll('#else button').length === 20")
    for place in PLACES:
        page.turn_to(place)
        page.until(
            "document.querySelectorAll('#runs tr').length || document.body.dataset.place !== 'learn' ||"
            "!document.getElementById('runs-none').hidden"
        )
        assert page.value(NAMES) == []
        assert page.value(SMALL) == []
        assert page.value(CONTRAST) == []
        assert page.value("document.querySelectorAll('h1').length") == 2
        assert page.value("Array.from(document.querySelectorAll('h1')).filter((h) => h.checkVisibility()).length") == 1
        identical = "(() => { const ids = Array.from(document.querySelectorAll('[id]'), (one) => one.id);"
        assert page.value(identical + "return ids.length - new Set(ids).size; })()") == 0


def test_a_checker_of_accessibility_finds_nothing_serious(page: Studio) -> None:
    place = os.environ.get("AXE", "/tmp/axe/package/axe.min.js")
    if not Path(place).is_file():
        pytest.skip("no axe-core here: npm pack axe-core, and name its axe.min.js in AXE")
    filled(page, "The king is here.\n")
    page.write_on()
    page.value(Path(place).read_text(encoding="utf-8") + "; 0")
    for name in PLACES:
        page.turn_to(name)
        found: list[Any] = page.value(
            "axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) =>"
            "[impact, id, nodes.map(({ html }) => html).slice(0, 3)]))"
        )
        assert [entry for entry in found if entry[0] in ("serious", "critical")] == [], name
        print(name, found)


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_it_fits_any_width(page: Studio, width: int) -> None:
    page.browser.resize(width, 800)
    filled(page, "x" * 300 + "\n" + "abc def " * 60)
    for place in PLACES:
        page.turn_to(place)
        assert page.value("document.documentElement.scrollWidth") <= width, place
    same = "(() => { const [one, other] = ['.mirror', '#words'].map((name) => document.querySelector(name));"
    assert page.value(same + "return one.offsetWidth - other.offsetWidth; })()") == 0
    assert page.value("document.getElementById('words').scrollHeight") <= page.value(
        "document.getElementById('words').clientHeight"
    ), "the field is as tall as its text"


def test_all_of_it_can_be_reached_by_the_tab_key(page: Studio) -> None:
    for place in PLACES:
        page.turn_to(place)
        page.value("document.activeElement.blur()")
        page.value("document.querySelector('.skip').focus()")
        seen = []
        for _ in range(60):
            seen.append(
                page.value("document.activeElement.id || document.activeElement.hash || document.activeElement.tagName")
            )
            page.key("Tab")
            if page.value(
                "document.activeElement === document.body || document.activeElement.classList.contains('skip')"
            ):
                break
        wanted = {"learn": ["file"], "write": ["words", "go", "temperature", "seed", "import"], "see": ["words"]}[place]
        assert seen[:5] == ["#content", "#learn", "#write", "#see", "model"]
        assert [name for name in seen if name in wanted] == wanted, seen


def test_a_hundred_thousand_characters_with_heat_leave_the_keys_quick(page: Studio) -> None:
    line = "Now is the winter of our discontent made glorious summer by this sun of York; and all.\n"
    filled(page, (line * (100_000 // len(line) + 1))[:100_000])
    page.turn_to("see")
    page.until("document.getElementById('heat-told').textContent.includes('over ')", 180)
    page.editing()
    page.value("document.getElementById('paper').scrollTop = 1e9")
    worked = keys_worked(page)
    for where, times in worked.items():
        print(f"\nmilliseconds of work for a key at 100,000 characters, {where}: {times[10]:.1f}, most {times[-1]:.1f}")
    assert page.mirrored in page.written
    page.until("['h1', 'h2', 'h3', 'h4', 'h5'].some((name) => CSS.highlights.has(name))")
    assert page.value("[...CSS.highlights.values()].reduce((sum, one) => sum + one.size, 0)") < 10_000
    page.browser.tell("Page.navigate", url="about:blank")
    page.until("location.href === 'about:blank'")
    page.value(f"document.body.innerHTML = {json.dumps(BARE)}")
    filled(page, (line * (100_000 // len(line) + 1))[:100_000])
    for where, times in keys_worked(page).items():
        print(f"milliseconds in a page with nothing but a text field, {where}: {times[10]:.1f}, most {times[-1]:.1f}")


def test_a_server_with_a_key_is_asked_with_it(tmp_path: Path) -> None:
    with (
        serving(["@shakespeare"], cwd=tmp_path, UNDERSTUDY_API_KEY="open-sesame-0123456") as running,
        chromium(LOOPBACK) as browser,
    ):
        page = Studio(browser, running)
        page.go(f"{running.address}/#write")
        for given in ("wrong", "open-sesame-0123456"):
            page.until("document.getElementById('key').open && document.getElementById('key-field').value === ''")
            page.value("document.getElementById('key-field').focus()")
            page.type(given)
            page.key("Enter")
        page.until("document.getElementById('model').value === '@shakespeare'")
        page.editing()
        page.type("To be ")
        page.set("length", 20)
        assert len(page.write_on()) == 20
        assert page.foreign() == []
        assert [line for line in browser.complaints if "401" not in line] == []
