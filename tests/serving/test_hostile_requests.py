"""What comes that is not meant well: each gets its answer at once, before any work, while others go on."""

import contextlib
import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving.running import JSON, Answered, Running

GOOD = {"model": "letters", "prompt": "a", "max_tokens": 1}


@pytest.fixture(scope="module")
def others(server: Running) -> Iterator[list[float]]:
    """A stream that goes on all the time, and when it was last heard of."""
    heard, going = [time.monotonic()], threading.Event()
    going.set()

    def listen() -> None:
        while going.is_set():
            stream = server.open_stream(model="letters", prompt="a", max_tokens=200_000)
            while going.is_set() and stream.recv(1 << 16):
                heard.append(time.monotonic())
                time.sleep(0.01)
            stream.close()

    listener = threading.Thread(target=listen)
    listener.start()
    yield heard
    going.clear()
    listener.join()
    assert max(after - before for before, after in itertools.pairwise(heard)) < 2
    server.until_idle()


def raw(server: Running, data: bytes, *, wait: float = 10) -> bytes:
    """What comes back for bytes that are sent as they are."""
    with server.connect() as connection:
        connection.settimeout(wait)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        got = b""
        try:
            while part := connection.recv(1 << 16):
                got += part
                if b"\r\n\r\n" in got and b"error" in got:
                    break
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def head(server: Running, *more: str, method: str = "POST", path: str = "/v1/completions", host: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host or f'{server.host}:{server.port}'}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def answered(data: bytes) -> Answered:
    """An answer, of what came back."""
    first, _, body = data.partition(b"\r\n\r\n")
    return Answered(int(first.split()[1]), {}, body)


def body_of(**fields: Any) -> bytes:
    return json.dumps(GOOD | fields).encode()


def with_body(server: Running, body: bytes, *more: str, kind: str = "application/json") -> bytes:
    return head(server, f"content-type: {kind}", f"content-length: {len(body)}", *more) + body


DEEP = b'{"model": "letters", "prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES = {
    "deep": (DEEP, 400, "deeper"),
    "deep but not for the parser": (b'{"a": ' + b"[" * 50 + b"]" * 50 + b"}", 400, "deeper"),
    "not a number": (b'{"model": "letters", "prompt": "a", "temperature": NaN}', 400, "NaN"),
    "beyond all numbers": (b'{"model": "letters", "prompt": "a", "temperature": 1e999}', 400, "temperature"),
    "a number of many digits": (b'{"model": "letters", "n": ' + b"9" * 10_000 + b"}", 400, ""),
    "many texts": (body_of(n=10**9), 400, "n 1000000000"),
    "no text": (body_of(n=0), 400, "n 0"),
    "a negative length": (body_of(max_tokens=-1), 400, "max_tokens -1"),
    "a length beyond bounds": (body_of(max_tokens=10**12), 400, "max_tokens"),
    "a prompt that is missing": (b'{"model": "letters"}', 400, "prompt is missing"),
    "a list of no prompts": (body_of(prompt=[]), 400, "prompt"),
    "too many prompts": (body_of(prompt=["a"] * 1000), 400, "prompt"),
    "characters that are not known": (body_of(prompt="\U0001f980"), 400, "U+1F980"),
    "half of a character": (b'{"model": "letters", "prompt": "\\ud800"}', 400, "U+D800"),
    "a state of nobody's": (body_of(prompt="", state="AAAA"), 400, "state"),
    "a state that is no base64": (body_of(prompt="", state="\u00e9!"), 400, "state"),
    "a model by its path": (body_of(model="../../etc/passwd"), 404, "model"),
    "a field of nobody's": (body_of(colour="red"), 400, "colour"),
    "truth as a number": (body_of(n=True), 400, "n True"),
    "a number as a text": (body_of(max_tokens="7"), 400, "max_tokens"),
    "no object": (b"[1]", 400, "object"),
    "no JSON": (b"model=letters", 400, "JSON"),
    "no UTF-8": (b'{"model": "\xff"}', 400, "JSON"),
    "nothing": (b"", 400, "JSON"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_asks_for_nothing_sensible_is_refused_at_once(
    server: Running, others: list[float], case: str
) -> None:
    body, status, said = BODIES[case]
    began = time.monotonic()
    answer = answered(raw(server, with_body(server, body)))
    took = time.monotonic() - began
    assert answer.status == status
    assert said in answer.message
    assert set(answer.document["error"]) == {"message", "type", "param", "code"}
    assert took < 1  # about a thousandth, where the machine has nothing else to do
    assert server.ask("GET", "/health").status == 200


@pytest.mark.parametrize(
    ("more", "host", "status", "said"),
    [
        ((), "evil.example", 403, "Host"),
        ((), "127.0.0.1.evil.example:80", 403, "Host"),
        ((), "192.168.0.7", 403, "Host"),
        (("origin: http://evil.example",), "", 403, "Origin"),
        (("origin: null",), "", 403, "Origin"),
        (("origin: http://127.0.0.1:1",), "", 403, "Origin"),
    ],
)
def test_what_is_for_others_or_comes_from_their_pages_is_refused(
    server: Running, others: list[float], more: tuple[str, ...], host: str, status: int, said: str
) -> None:
    body = body_of()
    data = head(server, "content-type: application/json", f"content-length: {len(body)}", *more, host=host) + body
    answer = answered(raw(server, data))
    assert answer.status == status
    assert said in answer.message
    for path in ("/", "/v1/models", "/health", "/page/base.css"):  # by no other way either
        assert answered(raw(server, head(server, *more, method="GET", path=path, host=host))).status == status


def test_without_a_host_or_with_two_nothing_is_answered(server: Running) -> None:
    for lines in (("GET /health HTTP/1.1",), ("GET /health HTTP/1.1", "host: localhost", "host: evil.example")):
        assert 400 <= answered(raw(server, "\r\n".join([*lines, "", ""]).encode())).status < 500


def test_the_servers_own_page_may_ask(server: Running) -> None:
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.port}"
        body = body_of()
        lines = ("content-type: application/json", f"content-length: {len(body)}", f"origin: http://{host}")
        got = raw(server, head(server, *lines, "connection: close", host=host) + body)
        assert got.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_any_page_may_send_is_refused(server: Running, others: list[float], kind: str) -> None:
    assert answered(raw(server, with_body(server, body_of(), kind=kind))).status == 415


def test_a_large_body_is_refused_before_it_has_come(server: Running, others: list[float]) -> None:
    for told in ("100000000", "9" * 30):
        began = time.monotonic()
        answer = answered(raw(server, head(server, "content-type: application/json", f"content-length: {told}")))
        assert 400 <= answer.status < 500
        assert time.monotonic() - began < 1


def test_a_large_body_of_no_told_size_is_refused_when_it_is_too_large(server: Running, others: list[float]) -> None:
    part = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    data = head(server, "content-type: application/json", "transfer-encoding: chunked") + part * 24
    assert answered(raw(server, data)).status == 413


def test_headers_without_end_are_refused(server: Running, others: list[float]) -> None:
    endless = head(server)[:-2] + b"x-more: " + b"y" * (1 << 20)
    assert 400 <= answered(raw(server, endless)).status < 500
    many = head(server)[:-2] + b"".join(b"x-%d: y\r\n" % number for number in range(100_000))
    assert 400 <= answered(raw(server, many)).status < 500


@pytest.mark.parametrize(
    "path",
    [
        *("/../etc/passwd", "/page/../../etc/passwd", "/page/..%2f..%2fetc%2fpasswd", "/page/%2e%2e/pyproject.toml"),
        *(
            "/page/app.py",
            "/page/",
            "//etc/passwd",
            "/page/base.css/x",
            "/page/base.css%00.js",
            "/studio/../v1/nothing",
        ),
    ],
)
def test_no_path_leads_to_a_file(server: Running, others: list[float], path: str) -> None:
    answer = answered(raw(server, head(server, method="GET", path=path)))
    assert answer.status == 404
    assert b"root:" not in answer.body


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "NONSENSE"])
def test_other_methods_are_refused(server: Running, others: list[float], method: str) -> None:
    data = head(server, "connection: close", method=method)
    assert 400 <= answered(raw(server, data)).status < 500


def test_what_is_no_http_is_refused(server: Running, others: list[float]) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"hello\r\n\r\n", b"\r\n" * 20_000):
        got = raw(server, data, wait=1)
        assert not got or 400 <= answered(got).status < 500
    assert server.ask("GET", "/health").status == 200


def test_a_state_that_was_altered_or_is_another_models_is_refused(server: Running) -> None:
    made = server.complete(**GOOD, return_state=True)["choices"][0]["state"]
    for place in (0, len(made) // 2, len(made) - 2):
        other = "B" if made[place] == "A" else "A"
        altered = made[:place] + other + made[place + 1 :]
        assert server.post("/v1/completions", model="letters", state=altered).status == 400
    for cut in (made[:-4], made[:40], made + "AAAA"):
        assert server.post("/v1/completions", model="letters", state=cut).status == 400
    strange = server.post("/v1/completions", model="bytes", state=made)
    assert strange.status == 400
    assert "another model" in strange.message


def test_answers_keep_browsers_from_doing_more_than_they_should(server: Running) -> None:
    for path in ("/", "/v1/models", "/nothing"):
        headers = server.ask("GET", path, **JSON).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_a_connection_that_sends_nothing_harms_nobody(server: Running) -> None:
    idle = [socket.create_connection((server.host, server.port)) for _ in range(200)]
    assert server.complete(**GOOD)
    for connection in idle:
        connection.close()
