"""Browsers for tests, driven over their own protocols: nothing is downloaded, by the browsers neither.

Chromium speaks CDP, Firefox WebDriver BiDi; both are JSON over a websocket. A browser gets a profile of its own, which
is thrown away, and no name resolves in it; its processes are one group, which is killed.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest

WAIT = 60.0
"""Seconds that anything may take before the test fails."""
_CHROMIUM = (
    *("--headless=new", "--remote-debugging-port=0", "--no-first-run", "--no-default-browser-check", "--no-pings"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--disable-extensions", "--disable-breakpad", "--disable-domain-reliability", "--disable-gpu", "--mute-audio"),
    *("--disable-client-side-phishing-detection", "--disable-dev-shm-usage", "--password-store=basic"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--no-proxy-server"),
)
_FIREFOX = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.type": 1,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "data:,",
    "toolkit.telemetry.unified": False,
}


class Browser(Protocol):
    """One window of a browser.

    Attributes:
        requests: the addresses that the page asked for, its own left out.
        complaints: what the browser said of the page: errors, and what its security policy forbade.
    """

    requests: list[str]
    complaints: list[str]

    def open(self, page: Path) -> None:
        """Open a file from the disk, and wait until it is loaded."""

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, a promise's when it comes."""

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Give the window that size, in CSS pixels, and the page that colour scheme."""

    def screenshot(self, file: Path) -> None:
        """Write a picture of the window, PNG."""


class _Socket:
    """Commands that are answered, and events that come in between."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._last = 0

    def ask(self, method: str, parameters: dict[str, Any], **more: Any) -> Any:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters, **more}))
        ends = time.monotonic() + WAIT
        while True:
            message = json.loads(self._socket.recv(timeout=max(0.0, ends - time.monotonic())))
            if message.get("id") == self._last:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']} {message.get('message', '')}")
                return message["result"]
            if "method" in message:
                self.heard(message["method"], message["params"])

    def heard(self, event: str, told: dict[str, Any]) -> None:
        raise NotImplementedError


class Chromium(_Socket):
    """Chromium over CDP."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        target = self.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> Any:
        return self.ask(method, parameters, sessionId=self._session)

    def heard(self, event: str, told: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent" and told["request"]["url"] != told["documentURL"]:
            self.requests.append(told["request"]["url"])
        elif event == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif event == "Page.loadEventFired":
            self._loaded = True

    def open(self, page: Path) -> None:
        self._loaded = False
        self.tell("Page.navigate", url=page.absolute().as_uri())
        ends = time.monotonic() + WAIT
        while not self._loaded:
            assert time.monotonic() < ends, "the page does not load"
            self.evaluate("0")

    def evaluate(self, expression: str) -> Any:
        found = self.tell("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"]))

    def throttle(self, times: float) -> None:
        """Let the page's processor be so many times slower."""
        self.tell("Emulation.setCPUThrottlingRate", rate=times)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other: a character, or Tab, Enter or Space."""
        for key in keys:
            text = {"Enter": "\r", "Space": " ", "Tab": ""}.get(key, key)
            code = {"Enter": 13, "Space": 32, "Tab": 9}.get(key, ord(key[0].upper()))
            name = " " if key == "Space" else key
            self.tell("Input.dispatchKeyEvent", type="keyDown", key=name, text=text, windowsVirtualKeyCode=code)
            self.tell("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)


class Firefox(_Socket):
    """Firefox over WebDriver BiDi."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._page = ""
        self.ask("session.new", {"capabilities": {}})
        self.ask("session.subscribe", {"events": ["network.beforeRequestSent", "log.entryAdded"]})
        self._context = self.ask("browsingContext.getTree", {})["contexts"][0]["context"]

    def heard(self, event: str, told: dict[str, Any]) -> None:
        if event == "network.beforeRequestSent" and told["request"]["url"] != self._page:
            self.requests.append(told["request"]["url"])
        elif event == "log.entryAdded" and told["level"] in ("error", "warn"):
            self.complaints.append(str(told["text"]))

    def open(self, page: Path) -> None:
        self._page = page.absolute().as_uri()
        self.ask("browsingContext.navigate", {"context": self._context, "url": self._page, "wait": "complete"})

    def evaluate(self, expression: str) -> Any:
        asked = f"Promise.resolve({expression}).then((value) => JSON.stringify(value))"
        found = self.ask(
            "script.evaluate", {"expression": asked, "target": {"context": self._context}, "awaitPromise": True}
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"]) if found["result"]["type"] == "string" else None

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        size = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", {"context": self._context, "viewport": size})

    def screenshot(self, file: Path) -> None:
        file.write_bytes(
            base64.b64decode(self.ask("browsingContext.captureScreenshot", {"context": self._context})["data"])
        )


@contextmanager
def started(command: list[str], **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A browser's processes, which end with the block; where the system can see to it, with this process as well."""
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", "KILL", *command]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **more,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def awaited(file: Path, process: "subprocess.Popen[bytes]") -> str:
    """What a browser writes to a file when it listens."""
    ends = time.monotonic() + WAIT
    while time.monotonic() < ends:
        assert process.poll() is None, f"the browser ended with {process.returncode}"
        with suppress(OSError):
            if text := file.read_text(encoding="utf-8"):
                return text
        time.sleep(0.02)
    raise AssertionError("the browser does not listen")


def connected(address: str) -> AbstractContextManager[Any]:
    """A websocket to a browser; the test is skipped where Python has none."""
    client = pytest.importorskip("websockets.sync.client", reason="no websockets here: pip install websockets")
    connection: AbstractContextManager[Any] = client.connect(address, max_size=None, proxy=None, close_timeout=0.1)
    return connection


def program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no {names[0]} here")
    return found


@contextmanager
def chromium(*flags: str) -> Iterator[Chromium]:
    """Chromium, with more flags perhaps; the test is skipped where it is not there."""
    command = [program("chromium", "chromium-browser", "google-chrome"), *_CHROMIUM, *flags]
    if os.geteuid() == 0:
        command.append("--no-sandbox")
    with _folder() as folder, started([*command, f"--user-data-dir={folder}", "about:blank"]) as process:
        port, path = awaited(folder / "DevToolsActivePort", process).split()
        with connected(f"ws://127.0.0.1:{port}{path}") as socket:
            yield Chromium(socket)


@contextmanager
def firefox(**preferences: object) -> Iterator[Firefox]:
    """Firefox, with more preferences perhaps; the test is skipped where it is not there."""
    command = [program("firefox-esr", "firefox"), "--headless", "--no-remote", "--remote-debugging-port=0"]
    with _folder() as folder:
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in (_FIREFOX | preferences).items()
        ]
        (folder / "user.js").write_text("".join(lines), encoding="utf-8")
        with started([*command, "--profile", str(folder)], env={**os.environ, "HOME": str(folder)}) as process:
            told = json.loads(awaited(folder / "WebDriverBiDiServer.json", process))
            with connected(f"ws://{told['ws_host']}:{told['ws_port']}/session") as socket:
                yield Firefox(socket)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for a profile, which the browser may still write to while it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="browser-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
