"""A real server on loopback, for tests: the command as users give it, and requests as any program sends them."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAIT = 60.0
JSON = {"content-type": "application/json"}


@dataclass
class Answered:
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What an error document says."""
        return str(self.document["error"]["message"])


@dataclass
class Running:
    """A server under way."""

    process: subprocess.Popen[str]
    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Answered:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=WAIT)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, self.headers | named)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, told, response.read())
        finally:
            connection.close()

    def post(self, path: str, /, **fields: Any) -> Answered:
        """A request with a JSON document."""
        return self.ask("POST", path, json.dumps(fields).encode(), content_type="application/json")

    def complete(self, **fields: Any) -> Any:
        """What `/v1/completions` answers, which must be a completion."""
        answered = self.post("/v1/completions", **fields)
        assert answered.status == 200, answered.body
        return answered.document

    def connect(self, holds: int | None = None) -> socket.socket:
        """A connection on which nothing was sent."""
        made = socket.socket()
        made.settimeout(WAIT)
        if holds is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
        made.connect((self.host, self.port))
        return made

    def used(self) -> float:
        """The seconds that its process has had of the processor."""
        with open(f"/proc/{self.process.pid}/stat") as told:  # noqa: PTH123 - no file of a folder
            fields = told.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_stream(self, *, holds: int | None = None, **fields: Any) -> socket.socket:
        """A connection on which a stream has been asked for; where told, the kernel holds few bytes for it."""
        body = json.dumps({"stream": True, **fields}).encode()
        made = self.connect(holds)
        lines = [
            "POST /v1/completions HTTP/1.1",
            f"host: {self.host}:{self.port}",
            "connection: close",
            "content-type: application/json",
            f"content-length: {len(body)}",
        ]
        made.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return made

    def texts(self) -> int:
        """How many texts are under way."""
        return int(self.ask("GET", "/health").document["texts"])

    def until_idle(self, seconds: float = WAIT) -> float:
        """Wait until no text is under way; how long that took."""
        began = time.monotonic()
        while self.texts():
            assert time.monotonic() - began < seconds, "texts are still under way"
            time.sleep(0.01)
        return time.monotonic() - began

    def interrupt(self) -> float:
        """Ctrl-C; the seconds until the process has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(WAIT)
        return time.monotonic() - began


@contextmanager
def serving(models: Sequence[Path | str], *flags: str, cwd: Path, **environment: str) -> Iterator[Running]:
    """`understudy serve MODELS --port 0 FLAGS`, until the block ends."""
    command = [sys.executable, "-m", "understudy", "serve", *map(str, models), "--port", "0", *flags]
    process = subprocess.Popen(
        command, cwd=cwd, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], WAIT)
        line = process.stdout.readline() if ready else ""
        assert line.startswith("http://"), (line, process.poll(), process.stderr.read() if process.poll() else "")
        host, port = line.split("//")[1].split("/")[0].rsplit(":", 1)
        yield Running(process, host, int(port))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def events(body: bytes) -> list[Any]:
    """The documents of a stream, which must end as streams do."""
    parts = body.decode().split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""], parts[-3:]
    return [json.loads(part.removeprefix("data: ")) for part in parts[:-2]]
