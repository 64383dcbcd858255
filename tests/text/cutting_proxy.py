"""Something between two programs that cuts connections after so many bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """What it does.

    Attributes:
        port: where it listens.
        cuts: after how many bytes that come back each of the next connections is cut, in order.
        always: after how many every other one is cut; None for never.
        cut: how many were.
    """

    port: int = 0
    cuts: list[int] = field(default_factory=list)
    always: int | None = None
    cut: int = 0


@contextmanager
def between(host: str, port: int) -> Iterator[Proxy]:
    """A proxy to a server, for as long as the block lasts."""
    proxy = Proxy()
    listener = socket.create_server(("127.0.0.1", 0))
    proxy.port = listener.getsockname()[1]
    open_ones: list[socket.socket] = []

    def there(near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(1 << 16):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def back(near: socket.socket, far: socket.socket) -> None:
        left = None
        with suppress(OSError):
            while data := far.recv(1 << 16):
                if len(data) > 4096 and left is None:  # a body, and not only what is told of it
                    left = proxy.cuts.pop(0) if proxy.cuts else proxy.always
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                near.sendall(data)
                if left == 0:
                    proxy.cut += 1
                    break
        for one in (near, far):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def listen() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((host, port))
                open_ones.extend((near, far))
                for work in (there, back):
                    threading.Thread(target=work, args=(near, far), daemon=True).start()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for one in open_ones:
            one.close()
