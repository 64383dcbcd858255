"""The server: its socket, its loop, its end."""

import asyncio
import errno
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from understudy.errors import ConfigError
from understudy.serving.app import application
from understudy.serving.desk import Desk
from understudy.serving.gate import Policy
from understudy.serving.limits import Limits
from understudy.serving.offered import Offered
from understudy.serving.protocol import Protocol

_KEEP_ALIVE = 75
"""Seconds that an idle connection stays: clients expect that it does."""
_SWITCH = 5e-4
"""Seconds after which the loop lets the engine's thread go on, which has little to do in Python each time."""
_END = 2
"""Seconds that open answers have for their last words."""


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Attributes:
        runs: the folder of the runs that the page begins and shows.
        policy: who may ask.
        limits: bounds of what may be asked for.
    """

    runs: Path
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one.

    Raises:
        ConfigError: that cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.socket(found[0], found[1])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(found[4])
        made.listen(128)
    except OSError as error:
        reason = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror or error
        raise ConfigError(
            f"--host {host} --port {port}: cannot listen there: {reason}; give another --port, or 0 for any"
        ) from error
    return made


def serve(models: Offered, listener: socket.socket, settings: Settings, ready: Callable[[], Any]) -> None:
    """Serve until a signal ends it; `ready` is called when requests are answered."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # the gate tells of what fails
    sys.setswitchinterval(_SWITCH)
    asyncio.run(_serve(models, listener, settings, ready))


async def _serve(models: Offered, listener: socket.socket, settings: Settings, ready: Callable[[], Any]) -> None:
    desk = Desk(settings.limits, asyncio.get_running_loop())
    config = uvicorn.Config(
        application(models, desk, settings.runs, settings.limits, settings.policy),
        http=partial(Protocol, limits=settings.limits),  # type: ignore[arg-type]  # it is called as a class is
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_END,
        h11_max_incomplete_event_size=settings.limits.head,
    )
    desk.start()
    await _Server(config, desk, ready).serve([listener])


class _Server(uvicorn.Server):
    """A server that ends the open answers before it waits for them."""

    def __init__(self, config: uvicorn.Config, desk: Desk, ready: Callable[[], Any]) -> None:
        super().__init__(config)
        self._desk, self._ready = desk, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._desk.stop()
        await super().shutdown(sockets)
