"""Texts at https:// and http://, by requests, which pooch brings."""

import re
from collections.abc import Generator
from typing import TYPE_CHECKING

from understudy.checks import named
from understudy.errors import TextError
from understudy.text.fetching import ChangedError, CutError, Look
from understudy.text.names import file_name

if TYPE_CHECKING:
    from requests import Response, Session

_SECONDS = (10, 60)
"""To be connected, and between two pieces."""
_REDIRECTS = 10
_PIECE = 1 << 20
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_NOT_THERE, _NOT_ALLOWED = {404, 410}, {401, 402, 403, 407, 451}
_A_PAGE = re.compile(r"text/html|application/xhtml", re.IGNORECASE)
_MAY_BE_A_PAGE = re.compile(r"[^.]*|.*\.(x?html?|php|aspx?|jsp|cgi)", re.IGNORECASE | re.DOTALL)


class Page:
    """A text that a web server gives."""

    insists = False

    def __init__(self, address: str) -> None:
        """Take its address.

        Raises:
            TextError: it is a pattern, which no web server knows, or holds a password.
        """
        if "*" in address:
            raise TextError(f"{named(address)}: a web server lists no files by a pattern; name each of them")
        self.address = address

    def look(self) -> Look:
        """What the server tells of it."""
        from requests import Session

        with Session() as session, self._asked(session, {}) as answer:
            self._check(answer)
            kind = answer.headers.get("Content-Type", "")
            if _A_PAGE.match(kind) and not _MAY_BE_A_PAGE.fullmatch(file_name(self.address)):
                raise TextError(
                    f"{named(self.address)}: a web page came, not the file; look at it in a browser, and name the "
                    f"address from which it is downloaded"
                )
            return Look(_stamp(answer), _size(answer))

    def read(self, start: int, look: Look) -> tuple[int, Generator[bytes, None, None]]:
        """Its bytes, from `start` on where the server can do that."""
        pieces = self._read(start, look)
        return int(next(pieces)), pieces

    def _read(self, start: int, look: Look) -> Generator[bytes, None, None]:
        """First where it begins, in digits; then its bytes."""
        from requests import Session
        from urllib3.exceptions import HTTPError

        headers = {"Range": f"bytes={start}-"} if start else {}
        with Session() as session, self._asked(session, headers) as answer:
            if start and answer.status_code == 416:
                raise ChangedError("became shorter")
            self._check(answer)
            begins = start if answer.status_code == 206 else 0
            if look.stamp is not None and _stamp(answer) != look.stamp:
                raise ChangedError("changed")
            if begins and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                raise CutError("the server gives another part than it was asked for")
            yield b"%d" % begins
            try:
                while piece := answer.raw.read(_PIECE, decode_content=False):
                    yield piece
            except (HTTPError, OSError) as error:
                raise CutError(_said(error)) from error

    def _asked(self, session: "Session", headers: dict[str, str]) -> "Response":
        from requests import exceptions

        session.max_redirects = _REDIRECTS
        headers = {"Accept-Encoding": "identity", "User-Agent": "understudy", **headers}
        try:
            return session.get(self.address, headers=headers, stream=True, timeout=_SECONDS)
        except exceptions.TooManyRedirects as error:
            raise TextError(
                f"{named(self.address)}: it leads on to other addresses more than {_REDIRECTS} times, in a circle "
                f"perhaps; name the address where the text lies"
            ) from error
        except (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema, UnicodeError) as error:
            raise TextError(f"{named(self.address)}: no address of a text: {_said(error)}") from error
        except (exceptions.RequestException, OSError) as error:
            raise CutError(_said(error)) from error

    def _check(self, answer: "Response") -> None:
        """See that the server gives the text.

        Raises:
            TextError: it refuses.
            CutError: it is too busy.
        """
        status = answer.status_code
        said = f"HTTP {status} {answer.reason or ''}".strip()
        if status in _BUSY:
            raise CutError(f"the server answers {said}")
        if status in _NOT_THERE:
            raise TextError(
                f"{named(self.address)}: there is no such text: the server answers {said}; see to the address"
            )
        if status in _NOT_ALLOWED:
            raise TextError(
                f"{named(self.address)}: the server does not give it to you: {said}; a name and a password for it are "
                f"taken from the file ~/.netrc"
            )
        if not 200 <= status < 300:
            raise TextError(f"{named(self.address)}: the server answers {said} in place of a text; see to the address")


def _stamp(answer: "Response") -> str | None:
    found = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return None if found is None else str(found).removeprefix("W/")


def _size(answer: "Response") -> int | None:
    told = answer.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() else None


def _said(error: Exception) -> str:
    """What went wrong, in a few words: the innermost of what libraries wrap in one another."""
    inner: BaseException = error
    while inner.__cause__ is not None or (inner.__context__ is not None and not inner.__suppress_context__):
        inner = inner.__cause__ or inner.__context__ or inner
    said = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return named(" ".join(str(said).split())[:200])
