"""Connections: as many as are allowed, and each sends the head of its request in time."""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from understudy.serving.limits import Limits
from understudy.serving.refusals import Refused


class Protocol(H11Protocol):
    """HTTP/1.1 on one connection."""

    def __init__(self, *given: Any, limits: Limits, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._limits = limits
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection on, if there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._close(Refused(429, "too many connections are open; come again", code="busy", wait=1))
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._unset_late()
        elif self._late is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._unset_late()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._late = self.loop.call_later(self._limits.arrival, self._is_late)

    def _unset_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        seconds = self._limits.arrival
        self._close(Refused(408, f"the head of a request did not come within {seconds:g} s", code="slow"))

    def _close(self, refused: Refused) -> None:
        body = json.dumps(refused.document).encode()
        reason = {408: "Request Timeout", 429: "Too Many Requests"}[refused.status]
        told = {"content-type": "application/json", "content-length": len(body), "connection": "close"}
        lines = [f"HTTP/1.1 {refused.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in {**told, **refused.headers}.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()
