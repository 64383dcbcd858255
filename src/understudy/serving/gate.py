"""What every request passes: whom it is for, where it comes from, what key and what body it brings, and how fast."""

import asyncio
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy import checks
from understudy.serving.limits import Limits
from understudy.serving.refusals import Refused

_log = logging.getLogger(__name__)
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "content-security-policy": "; ".join(f"{directive} {value}" for directive, value in _POLICY.items()),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_BRING_TEXTS = ("/studio/runs", "/studio/survey")
_OPEN = ("/", "/health")
"""Paths that need no key, and all under `/page/`: what is there tells of nothing."""


@dataclass(frozen=True)
class Policy:
    """Who may ask.

    Attributes:
        hosts: names that requests may be for, beside those of this machine.
        numbers: whether an address in numbers will do too: who asks by one was not led here by a name of his.
        origins: of pages that may ask beside the server's own.
        key: what every request must bring; None where none is needed.
    """

    hosts: frozenset[str] = frozenset()
    numbers: bool = False
    origins: frozenset[str] = frozenset()
    key: str | None = None


class Gate:
    """Lets requests through to the application that are what they must be."""

    def __init__(self, application: ASGIApp, policy: Policy, limits: Limits) -> None:
        """Take what lies behind, who may ask, and the bounds."""
        self._application, self._policy, self._limits = application, policy, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            return
        answer = _Sending(send, self._headers(Headers(scope=scope)))
        try:
            headers = Headers(scope=scope)
            self._check(scope, headers)
            if scope["method"] == "OPTIONS" and "origin" in headers:
                await answer.empty()
                return
            most = self._limits.text if scope["path"] in _BRING_TEXTS else self._limits.body
            body = _Body(receive, most, self._limits.arrival, headers)
            await self._application(scope, body.receive, answer.send)
        except Refused as refused:
            await answer.refuse(refused)
        except TimeoutError:  # it does not read what it asked for
            raise ConnectionAbortedError from None
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("a request has failed")
            await answer.refuse(Refused(500, "something went wrong in the server, which says more where it runs"))

    def _headers(self, headers: Headers) -> dict[str, str]:
        """What every answer says."""
        origin = headers.get("origin", "")
        if origin not in self._policy.origins:
            return _HEADERS
        return _HEADERS | {
            "access-control-allow-origin": origin,
            "access-control-allow-headers": "authorization, content-type",
            "access-control-allow-methods": "GET, POST",
            "cross-origin-resource-policy": "cross-origin",
            "vary": "origin",
        }

    def _check(self, scope: Scope, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._ours(hosts[0]):
            raise Refused(
                403,
                f"Host {checks.shown(', '.join(hosts))}: this server answers to its own name alone; start it with "
                f"--allow-host NAME if that is one",
                code="host",
            )
        for origin in headers.getlist("origin"):
            if origin != f"{scope['scheme']}://{hosts[0]}" and origin not in self._policy.origins:
                raise Refused(
                    403,
                    f"Origin {checks.shown(origin)}: pages of others may not ask; start the server with "
                    f"--allow-origin ORIGIN to let this one",
                    code="origin",
                )
        if scope["method"] == "OPTIONS":
            return
        key, path = self._policy.key, scope["path"]
        if key is not None and path not in _OPEN and not path.startswith("/page/"):
            given = headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, f"Bearer {key}".encode()):
                raise Refused(401, "Authorization: expected Bearer and the key that the server was given", code="key")
        if scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Refused(415, f"Content-Type {checks.shown(kind)}: expected application/json", code="type")

    def _ours(self, host: str) -> bool:
        name = _name_of(host)
        if name in _LOOPBACK or name in self._policy.hosts:
            return True
        return self._policy.numbers and _is_address(name)


class _Body:
    """A request's body, within bounds of size and time."""

    def __init__(self, receive: Receive, most: int, seconds: float, headers: Headers) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._left, self._until, self._whole = most, time.monotonic() + seconds, False
        told = headers.get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told[:20]) > most:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next part; once all are there, whatever comes."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, f"the body did not come within {self._seconds:g} s", code="slow") from None
        self._left -= len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._left < 0:
            raise self._too_large()
        return message

    def _too_large(self) -> Refused:
        return Refused(413, f"the body is larger than the {self._most:,} bytes that are taken", code="size")


class _Sending:
    """An answer, with the headers of all answers, that can still become a refusal until it has begun."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send, self._started = send, False
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            self._started = True
            message = {**message, "headers": [*message.get("headers", []), *self._headers]}
        await self._send(message)

    async def empty(self) -> None:
        """Answer with nothing but headers."""
        await self.send({"type": "http.response.start", "status": 204, "headers": []})
        await self.send({"type": "http.response.body", "body": b""})

    async def refuse(self, refused: Refused) -> None:
        """Answer with an error; what has begun is broken off, so that nobody takes it for whole."""
        if self._started:
            raise ConnectionAbortedError from refused
        body = json.dumps(refused.document).encode()
        told: dict[str, Any] = {"content-type": "application/json", "content-length": len(body), **refused.headers}
        told["connection"] = "close"  # what is left of its body is not waited for
        headers = [(name.encode(), str(value).encode()) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def policy(hosts: Iterable[str], origins: Iterable[str], key: str | None, *, beyond: bool) -> Policy:
    """Who may ask; `beyond` where others than this machine reach the server."""
    return Policy(frozenset(map(str.lower, hosts)), beyond, frozenset(origins), key)
