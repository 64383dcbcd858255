"""A web server on this machine that does what it is told to do wrong."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """What it gives, and what it was asked.

    Attributes:
        address: where it answers, without a slash at the end.
        pages: the bytes at each path.
        kind: their type.
        stamped: whether it tells ETags.
        ranges: whether it gives parts.
        cuts: after how many bytes each of the next answers ends, the first look among them; None for at its end.
        statuses: what the next requests are answered with.
        told: the length that it tells, in place of the right one.
        redirects: where paths lead on to.
        asked: the path and the range of each request.
        big: how many bytes `/big` has, and what gives those from one place to another.
    """

    address: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    kind: str = "text/plain"
    stamped: bool = True
    ranges: bool = True
    cuts: list[int | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    told: int | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    big: tuple[int, Callable[[int, int], bytes]] | None = None

    def starts(self) -> list[int]:
        """Where the answers begin that were asked for from a place on."""
        return [int(part.removeprefix("bytes=").removesuffix("-")) for _, part in self.asked if part is not None]


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            part = self.headers.get("Range")
            web.asked.append((self.path, part))
            if web.statuses:
                return self._refuse(web.statuses.pop(0))
            if self.path in web.redirects:
                self.send_response(302)
                self.send_header("Location", web.redirects[self.path])
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if self.path == "/big" and web.big is not None:
                return self._give(web.big[0], web.big[1], '"big"', part)
            if self.path not in web.pages:
                return self._refuse(404)
            data = web.pages[self.path]
            return self._give(len(data), lambda start, end: data[start:end], f'"{hashlib.md5(data).hexdigest()}"', part)

        def _give(self, size: int, read: Callable[[int, int], bytes], stamp: str, part: str | None) -> None:
            begin = 0
            if part is not None and web.ranges and (found := re.fullmatch(r"bytes=(\d+)-", part)):
                begin = int(found[1])
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
            self.send_header("Content-Type", web.kind)
            self.send_header("Content-Length", str(size - begin if web.told is None else web.told))
            if web.stamped:
                self.send_header("ETag", stamp)
            self.end_headers()
            end = size
            if web.cuts and (cut := web.cuts.pop(0)) is not None:
                end = min(size, begin + cut)
            try:
                for place in range(begin, end, 1 << 20):
                    self.wfile.write(read(place, min(end, place + (1 << 20))))
            except OSError:  # whoever asked has seen enough
                pass
            self.close_connection = True

        def _refuse(self, status: int) -> None:
            body = b"<html><body>an error page</body></html>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on this machine, for as long as the block lasts; where it answers, without a slash at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving() -> Iterator[Web]:
    """The server that does wrong, for as long as the block lasts."""
    web = Web()
    with answering(_handler(web)) as web.address:
        yield web
