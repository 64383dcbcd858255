"""The studio in a browser, for tests: a page of a real server, with nothing in it yet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browsers.driving import Chromium, chromium
from tests.browsers.hands import LOOPBACK, Hands
from tests.serving.running import Running

CARET = "document.getElementById('words').selectionEnd"


class Studio(Hands):
    """The page, by what a user sees of it."""

    def __init__(self, browser: Chromium, server: Running) -> None:
        super().__init__(browser)
        self.server = server

    def open(self, place: str = "write") -> None:
        """Load the page anew, in one of its places."""
        self.browser.tell("Page.navigate", url="about:blank")
        self.go(f"{self.server.address}/#{place}")
        self.until("document.getElementById('model').value")

    def turn_to(self, place: str) -> None:
        """Go to another place by its link."""
        self.press(f'nav a[href="#{place}"]')
        self.until(f"document.body.dataset.place === '{place}'")

    def editing(self) -> None:
        """Put the focus into the text, the caret at its end."""
        self.value(
            "(() => { const t = document.getElementById('words'); t.focus();"
            "t.setSelectionRange(t.value.length, t.value.length); })()"
        )

    @property
    def written(self) -> str:
        """The text."""
        return str(self.value("document.getElementById('words').value"))

    @property
    def mirrored(self) -> str:
        """The text as it lies behind the field: all of it, or the lines in sight with some around them."""
        lines = "Array.from(document.querySelectorAll('.lines > div'), (one) => one.textContent)"
        return str(self.value(f"new Promise((done) => requestAnimationFrame(() => done({lines}.join('\\n'))))"))

    @property
    def branches(self) -> list[str]:
        """The lines of the tree."""
        found: list[str] = self.value("Array.from(document.querySelectorAll('#branches li'), (one) => one.innerText)")
        return found

    def idle(self) -> None:
        """Wait until nothing is being written."""
        self.until("document.getElementById('go').textContent === 'Write on'")

    def write_on(self) -> str:
        """Write on from the caret; what came."""
        before = self.written
        self.key("Enter", 2)
        self.until(f"document.getElementById('words').value !== {json.dumps(before)}")
        self.idle()
        return self.written[len(before) :]

    def set(self, name: str, value: Any) -> None:
        """Put a value into a field, as a hand on a slider does."""
        self.value(
            f"(() => {{ const field = document.getElementById({json.dumps(name)});"
            f"field.value = {json.dumps(str(value))};"
            "field.dispatchEvent(new Event('input', { bubbles: true })); })()"
        )

    def foreign(self) -> list[str]:
        """The addresses that the page asked for and that are not the server's."""
        own = (self.server.address + "/", "blob:", "data:", "about:")
        return [address for address in self.browser.requests if not address.startswith(own)]

    def assert_alone(self) -> None:
        """Nothing left the server's address, and the browser complained of nothing."""
        assert self.foreign() == []
        assert self.browser.complaints == []


@contextmanager
def studio(server: Running) -> Iterator[Studio]:
    """A browser with the studio open, in its place to write."""
    with chromium(LOOPBACK) as browser:
        made = Studio(browser, server)
        browser.resize(1280, 800)
        made.open()
        yield made


def wrote(path: Path) -> Any:
    """What a download holds, as JSON."""
    return json.loads(path.read_text(encoding="utf-8"))
