"""Serving: how soon a newcomer's first piece comes beside others, and what many streams get against the engine alone.

    python benchmarks/serve_speed.py [MODEL] [--streams 16] [--newcomers 100] [--together 64] [--length 4000]

The server is a process of its own, as `understudy serve MODEL` starts it, on loopback; the clients are this process,
with one thread and plain sockets, which does next to nothing. Without MODEL, one of the tutorial's shape that has
learned nothing. The engine's own figure is of the same machine, before and after, without a server.
"""

import argparse
import json
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from generation_speed import speed, tutorial_model

from understudy.api import load


class Client:
    """A stream that was asked for: when it was, when its first piece came, and how many characters have come."""

    def __init__(self, port: int, fields: dict[str, object]) -> None:
        """Ask."""
        body = json.dumps({"stream": True, **fields}).encode()
        self.socket = socket.create_connection(("127.0.0.1", port))
        head = f"POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        self.asked = time.perf_counter()
        self.socket.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.first: float | None = None
        self.done = False

    def read(self) -> None:
        """Take what has come."""
        part = self.socket.recv(1 << 18)
        if self.first is None and b'"text"' in part:
            self.first = time.perf_counter() - self.asked
        self.done = not part or b"[DONE]" in part
        if self.done and self.first is None:
            raise SystemExit(f"the server refused: {part.decode(errors='replace')}")


def listen(clients: list[Client], until: float) -> None:
    """Take what comes for some clients, until all are done or it is that late."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while not all(client.done for client in clients) and (left := until - time.perf_counter()) > 0:
            for key, _ in selector.select(left):
                key.data.read()
                if key.data.done:
                    selector.unregister(key.data.socket)


def newcomers(port: int, name: str, streams: int, count: int) -> list[float]:
    """Seconds until the first piece of each of some streams that come one after the other beside others."""
    fields: dict[str, object] = {"model": name, "prompt": "ROMEO:\n"}
    others = [Client(port, fields | {"max_tokens": 200_000, "seed": seed}) for seed in range(streams)]
    listen(others, time.perf_counter() + 2)
    found = []
    for seed in range(count):
        listen(others, time.perf_counter() + 0.05)
        new = Client(port, fields | {"max_tokens": 100, "seed": seed})
        while new.first is None:
            listen([*others, new], time.perf_counter() + 0.001)
        found.append(new.first)
        listen([new], time.perf_counter() + 1)
        new.socket.close()
    for other in others:
        other.socket.close()
    return found


def refused(port: int, name: str, streams: int, rounds: int) -> list[float]:
    """Seconds until each of some requests that nobody should send is refused, beside others."""
    good: dict[str, object] = {"model": name, "prompt": "ROMEO:\n", "max_tokens": 200_000}
    others = [Client(port, good | {"seed": seed}) for seed in range(streams)]
    listen(others, time.perf_counter() + 2)
    bad = (
        *(json.dumps(good | fields).encode() for fields in ({"n": 10**9}, {"temperature": 1e999}, {"state": "AAAA"})),
        b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"no JSON",
    )
    found = []
    for body in bad * rounds:
        listen(others, time.perf_counter() + 0.05)
        head = f"POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", port)) as asking:
            began = time.perf_counter()
            asking.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
            answer = asking.recv(1 << 16)
            found.append(time.perf_counter() - began)
        if not answer.startswith(b"HTTP/1.1 4"):
            raise SystemExit(f"the server took what it should refuse: {body[:80]!r}")
    for other in others:
        other.socket.close()
    return found


def together(port: int, name: str, streams: int, length: int) -> float:
    """Characters a second of so many streams, from the first request to the last piece."""
    began = time.perf_counter()
    fields: dict[str, object] = {"model": name, "prompt": "ROMEO:\n", "max_tokens": length}
    clients = [Client(port, fields | {"seed": seed}) for seed in range(streams)]
    listen(clients, began + 600)
    seconds = time.perf_counter() - began
    for client in clients:
        client.socket.close()
    return streams * length / seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--newcomers", type=int, default=100)
    parser.add_argument("--together", type=int, default=64)
    parser.add_argument("--length", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = parsed.model
        if path is None:
            path = str(Path(folder, "tutorial.safetensors"))
            tutorial_model().write(Path(path))
        command = [sys.executable, "-m", "understudy", "serve", path, "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
        assert process.stdout is not None
        line = process.stdout.readline()
        port, name = int(line.split("/")[2].rsplit(":", 1)[1]), line.split()[2].rstrip(";,")
        try:
            waits = newcomers(port, name, parsed.streams, parsed.newcomers)
            refusals = refused(port, name, parsed.streams, 10)
            served, alone = [], []
            model = load(path)
            for _ in range(parsed.rounds):
                alone.append(speed(model, parsed.together, parsed.length))
                served.append(together(port, name, parsed.together, parsed.length))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
    late = quantiles(waits, n=20)[-1]
    print("| | |\n|---|---|")
    print(f"| first piece beside {parsed.streams} streams, median | {1000 * median(waits):.0f} ms |")
    print(f"| first piece beside {parsed.streams} streams, 95th percentile | {1000 * late:.0f} ms |")
    told = f"{1000 * median(refusals):.0f} ms, {1000 * max(refusals):.0f} ms"
    print(f"| a request refused beside {parsed.streams} streams, median and most | {told} |")
    print(f"| {parsed.together} streams by the engine alone, characters a second | {median(alone):,.0f} |")
    print(f"| {parsed.together} streams served, characters a second | {median(served):,.0f} |")
    print(f"| served against alone | {median(served) / median(alone):.2f} |")


if __name__ == "__main__":
    main()
