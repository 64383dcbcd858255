"""The studio in real Chromium, driven by its keys and its pointer."""

import json
import time
from pathlib import Path

import pytest

from tests.browsers.hands import CONTROL, SHIFT
from tests.serving.studio import CARET, Studio, studio, wrote

pytestmark = pytest.mark.slow


def test_a_suggestion_comes_is_leafed_through_sent_away_and_taken(page: Studio) -> None:
    page.editing()
    page.type("To be, or not ")
    page.until("!document.querySelector('.ghost').hidden")
    first = page.text(".ghost span:last-child")
    page.until("document.getElementById('ghost-count').textContent.endsWith('of 3')")
    page.key("ArrowDown")
    assert page.text("#ghost-count").startswith("2")
    assert page.text(".ghost span:last-child") != first
    page.key("ArrowUp")
    page.key("Escape")
    assert page.value("document.querySelector('.ghost').hidden")
    assert page.written == "To be, or not "
    page.type("t")
    page.until("!document.querySelector('.ghost').hidden && document.getElementById('ghost-count').textContent")
    page.until("document.getElementById('said').textContent.startsWith('Suggestion')")
    shown = page.text(".ghost span:last-child")
    page.key("Tab")
    assert page.written == "To be, or not t" + shown
    assert page.value(CARET) == len(page.written)
    assert page.mirrored == page.written
    assert page.value("document.activeElement.id") == "words"
    page.key("z", CONTROL)
    assert page.written == "To be, or not t"
    asked = page.value("performance.getEntriesByName('suggestion').map((entry) => Math.round(entry.duration))")
    print("milliseconds from the request to a suggestion:", asked)


def test_undo_crosses_edits_and_generations_and_loses_no_branch(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("ROMEO:\n")
    page.set("length", 40)
    one = page.write_on()
    assert len(one) == 40
    page.type(" And so.")
    whole = page.written
    page.key("z", CONTROL)
    assert page.written == "ROMEO:\n" + one
    page.key("z", CONTROL)
    assert page.written == "ROMEO:\n"
    page.set("seed", 4711)
    two = page.write_on()
    assert two != one
    page.key("z", CONTROL)
    page.key("y", CONTROL)
    assert page.written == "ROMEO:\n" + two
    page.key("z", CONTROL)
    page.key("z", CONTROL | SHIFT)
    assert page.written == "ROMEO:\n" + two
    page.until("document.querySelectorAll('#branches li').length >= 5")
    ways = [line for line in page.branches if "And so" in line]
    assert len(ways) == 1
    number = page.branches.index(ways[0])
    page.press(f"#branches li:nth-child({number + 1})")
    assert page.written == whole, "the branch that was left is still there"
    assert page.mirrored == whole
    # By keys alone: to the beginning of the tree and back into the text.
    page.value("document.querySelector('#branches [aria-current]').focus()")
    page.key("Home")
    page.key("Enter")
    assert page.written == ""


def test_moving_a_slider_draws_the_same_passage_again_and_back_again(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("JULIET:\n")
    page.set("length", 60)
    page.set("seed", 7)
    first = page.write_on()
    page.set("temperature", 0.3)
    page.until(
        f"document.getElementById('words').value.length === {len('JULIET:') + 61}"
        f" && document.getElementById('words').value !== {json.dumps('JULIET:' + chr(10) + first)}"
    )
    page.idle()
    cool = page.written
    page.set("temperature", 0.8)
    page.until(f"document.getElementById('words').value === {json.dumps('JULIET:' + chr(10) + first)}")
    assert page.mirrored == page.written
    page.set("temperature", 0.3)
    page.until(f"document.getElementById('words').value === {json.dumps(cool)}")


def test_a_click_on_a_character_tells_what_else_and_branches_there(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("The king is here.")
    x, y = page.value(
        "(() => { const range = document.createRange(); const node = document.querySelector('.lines div').firstChild;"
        "range.setStart(node, 4); range.setEnd(node, 5); const box = range.getBoundingClientRect();"
        "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    page.click(x, y)
    page.until("document.querySelectorAll('#else button').length === 20")
    assert "stands k" in page.text("#else-told")
    ways = page.value("Array.from(document.querySelectorAll('#else code'), (one) => one.textContent)")
    shares = page.value("Array.from(document.querySelectorAll('#else button'), (one) => one.lastChild.textContent)")
    assert all(share.endswith("%") for share in shares)
    number = next(number for number, way in enumerate(ways) if len(way) == 1 and way not in "k ")
    page.press(f"#else li:nth-child({number + 1}) button")
    page.until("document.getElementById('words').value.length > 20")
    page.idle()
    assert page.written.startswith("The " + ways[number])
    page.key("z", CONTROL)
    assert page.written == "The king is here."
    page.key(".", CONTROL)
    page.until("document.activeElement.closest('#else')")


def test_all_of_it_is_found_again_and_goes_out_and_comes_in(page: Studio, tmp_path: Path) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("Once 🎭 more\n")
    page.set("length", 30)
    page.write_on()
    page.type("end")
    whole, branches = page.written, len(page.branches)
    time.sleep(0.6)
    page.open()
    assert page.written == whole
    page.until(f"document.querySelectorAll('#branches li').length >= {min(3, branches)}")
    page.downloads_to(tmp_path)
    page.press("#export")
    ends = time.monotonic() + 20
    while not (tmp_path / "studio.json").exists():
        assert time.monotonic() < ends
        time.sleep(0.1)
    kept = wrote(tmp_path / "studio.json")
    assert kept["understudy"] == "studio"
    wrong = tmp_path / "wrong.json"
    for content, why in (("{", "not JSON"), ("[]", "no tree"), (json.dumps({**kept, "format": 9}), "format 9")):
        wrong.write_text(content)
        page.choose(wrong, "#import")
        page.until(f"document.getElementById('line').textContent.includes({json.dumps(why)})")
        assert page.written == whole
    bent = json.loads(json.dumps(kept))
    bent["nodes"][1]["cut"] = "what is not there"
    wrong.write_text(json.dumps(bent))
    page.choose(wrong, "#import")
    page.until("document.getElementById('line').textContent.includes('nothing is changed')")
    page.value("indexedDB.deleteDatabase('understudy-studio')")
    with studio(page.server) as other:  # another browser, with nothing in it
        assert other.written == ""
        other.choose(tmp_path / "studio.json", "#import")
        other.until(f"document.getElementById('words').value === {json.dumps(whole)}")
        other.assert_alone()


def test_only_what_is_asked_for_twice_is_forgotten(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("mine")
    page.value(
        "window.asked = []; window.confirm = (text) => { window.asked.push(text); return window.asked.length > 1; }"
    )
    page.press("#forget")
    page.until("window.asked.length === 1")
    assert page.written == "mine"
    page.press("#forget")
    page.until("window.asked === undefined && document.body?.dataset.ready === 'yes'")
    assert page.written == ""
    page.open()
    assert page.written == ""


def test_five_temperatures_stand_side_by_side_with_the_first_difference_marked(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("HAMLET:\n")
    page.set("length", 60)
    page.press("#sweep")
    page.until("document.querySelectorAll('#sweep-columns button:not(:disabled)').length === 5")
    texts = page.value("Array.from(document.querySelectorAll('#sweep-columns .paper'), (one) => one.textContent)")
    marks = page.value(
        "Array.from(document.querySelectorAll('#sweep-columns li'), (one) =>"
        "one.querySelector('mark')?.previousSibling?.length ?? -1)"
    )
    assert marks[0] == -1
    for text, mark in zip(texts[1:], marks[1:], strict=True):
        text = text.replace("↵", "")
        if mark >= 0:
            assert text[:mark] == texts[0][:mark]
            assert text[mark] != texts[0][mark]
        else:
            assert text == texts[0]
    page.press("#sweep-columns li:nth-child(2) button")
    assert page.written == "HAMLET:\n" + texts[1].replace("↵", "")


def test_heat_lies_over_the_text_and_follows_the_keys(page: Studio) -> None:
    page.value("document.getElementById('suggest').click()")
    page.editing()
    page.type("The king qxzj the queen")
    page.turn_to("see")
    page.until("CSS.highlights.has('h5') || CSS.highlights.has('h4')")
    page.until("document.getElementById('heat-told').textContent.includes('nats')")
    marked = "Array.from(['h3', 'h4', 'h5'].flatMap((name) => [...(CSS.highlights.get(name) ?? [])]), (range) =>"
    marked += "range.startContainer.data.slice(range.startOffset, range.endOffset)).join('')"
    assert set("qxzj") & set(page.value(marked))
    page.editing()
    page.key("ArrowLeft")
    page.until("document.getElementById('see-told').textContent.startsWith('n:')")
    page.until("document.querySelectorAll('#else button').length === 20")
    page.type("Q")
    page.until("document.getElementById('heat-told').textContent.includes('over 23.')")
    page.value("document.querySelector('[value=neuron]').click()")
    page.until("document.getElementById('neuron-told').textContent.includes('in the mean')")
    page.until("['p1', 'p2', 'p3', 'm1', 'm2', 'm3'].some((name) => CSS.highlights.has(name))")
