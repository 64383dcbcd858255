"""Hands for a browser: keys, the pointer, files that are dropped and chosen, and pages of a server."""

import json
import time
from pathlib import Path
from typing import Any

from tests.browsers.driving import WAIT, Chromium

LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""A flag: names resolve to nothing, but the server of the test is reached."""
_CODES = {
    "Enter": 13,
    "Tab": 9,
    "Escape": 27,
    "Backspace": 8,
    "Delete": 46,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "End": 35,
    "Home": 36,
    ".": 190,
}
_TEXTS = {"Enter": "\r", "Tab": ""}
CONTROL, SHIFT = 2, 8


class Hands:
    """What a user does to a page."""

    def __init__(self, browser: Chromium) -> None:
        self.browser = browser

    def go(self, address: str) -> None:
        """Open an address, and wait until the page says that it is ready."""
        self.browser.tell("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && document.body?.dataset.ready === 'yes'")

    def value(self, expression: str) -> Any:
        """What an expression comes to."""
        return self.browser.evaluate(expression)

    def until(self, expression: str, seconds: float = WAIT) -> None:
        """Wait until an expression is true."""
        ends = time.monotonic() + seconds
        while not self.browser.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < ends, f"never so: {expression}; {self.browser.complaints}"
            time.sleep(0.02)

    def key(self, name: str, modifiers: int = 0) -> None:
        """Press a key, perhaps with Ctrl or Shift."""
        text = "" if modifiers & CONTROL else _TEXTS.get(name, name if len(name) == 1 else "")
        code = _CODES.get(name, ord(name[0].upper()))
        common = {"key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.browser.tell("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.browser.tell("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Press the key of each character."""
        for character in text:
            self.key("Enter" if character == "\n" else character)

    def click(self, x: float, y: float) -> None:
        """Click at a point of the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.browser.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, selector: str) -> None:
        """Click in the middle of an element, which is brought into sight, once it lies still."""
        middle = (
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            "one.scrollIntoView({ block: 'center' }); const box = one.getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        before, now = None, self.value(middle)
        while before != now:
            time.sleep(0.25)
            before, now = now, self.value(middle)
        self.click(*now)

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    def drop(self, file: Path, selector: str) -> None:
        """Drop a file onto an element."""
        x, y = self.value(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.browser.tell("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def choose(self, file: Path, selector: str) -> None:
        """Choose a file in a field for files."""
        root = self.browser.tell("DOM.getDocument")["root"]["nodeId"]
        node = self.browser.tell("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.browser.tell("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def downloads_to(self, folder: Path) -> None:
        """Keep what is downloaded in a folder."""
        self.browser.ask("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
