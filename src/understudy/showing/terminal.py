"""All that is printed goes through here: no text can control the terminal, and no stream has to take it.

A standard stream may be closed, full, gone, of an encoding that lacks characters, or some object with `write` alone.
"""

import errno
import io
import json
import os
import re
import sys
import unicodedata
from contextlib import suppress
from typing import Any, TextIO

from understudy.errors import UnderstudyError

_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the order in which a line is shown."""
_UNICODE = ("utf8", "utf16", "utf32")


class OutputError(UnderstudyError):
    """Standard output does not take what the command is for."""


def visible(text: str) -> str:
    """The text with all that controls a terminal escaped, other than newlines and tabs, and lone surrogates too."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    controls = unicodedata.category(character) in _CONTROLS or character in _DIRECTIONS
    if character in "\n\t" or not controls:
        return character
    return character.encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """The text as one line that a terminal may show: line ends are escaped too, and tabs."""
    return visible(text.strip("\n")).replace("\n", "\\n").replace("\t", "\\t")


def counted(number: int, thing: str) -> str:
    """A number of things, in words that agree: `1 stream`, `2 streams`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


class Outlet(io.TextIOBase):
    """A stream as far as it will do: it takes any text, and is silent from the first failure on.

    Attributes:
        trouble: what that failure was.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.trouble: Exception | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's, or UTF-8 where it has none."""
        found = getattr(self._stream, "encoding", None)
        return found if isinstance(found, str) else "utf-8"

    def writable(self) -> bool:
        """It takes everything."""
        return True

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return bool(self._stream.isatty())
        except Exception:  # it has no such method, is closed, or None
            return False

    def fileno(self) -> int:
        """The stream's number; an OSError where it has none, as every reader of it expects."""
        try:
            return int(self._stream.fileno())
        except Exception as error:
            raise OSError("no file number") from error

    def write(self, text: str) -> int:
        """Write, at once; failures are kept and not raised."""
        if self._closed() or self.trouble is not None or not text:
            return len(text)
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._write_escaped(text)
            flush = getattr(self._stream, "flush", None)
            if flush is not None:
                flush()
        except Exception as error:  # whatever a stranger's stream may raise
            self.trouble = error
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def _closed(self) -> bool:
        return self._stream is None or getattr(self._stream, "closed", False) is True

    def _write_escaped(self, text: str) -> None:
        """Bytes that came in undecoded go out as they were where that can be, the rest escaped."""
        binary = getattr(self._stream, "buffer", None)
        if binary is not None and self.encoding.lower().replace("-", "").replace("_", "") in _UNICODE:
            with suppress(UnicodeEncodeError):
                data = text.encode(self.encoding, "surrogateescape")
                self._stream.flush()
                binary.write(data)
                return
        self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))


def say(text: str = "", end: str = "\n") -> None:
    """Print what a command is for, on standard output.

    Raises:
        BrokenPipeError: nobody reads any more.
        OutputError: standard output refuses, being full perhaps.
    """
    _give(visible(text) + end)


def say_document(document: Any) -> None:
    """Print one JSON document on standard output; raises as `say` does."""
    _give(json.dumps(document).replace("\x7f", "\\u007f") + "\n")


def say_text(text: str) -> None:
    """Print what a model wrote: escaped on a terminal, to the letter elsewhere; raises as `say` does."""
    _give(visible(text.replace("\r\n", "\n")) if Outlet(sys.stdout).isatty() else text)


def say_bytes(data: bytes) -> None:
    """Print bytes on standard output as they are; raises as `say` does."""
    binary = getattr(sys.stdout, "buffer", None)
    if sys.stdout is not None and binary is None:
        raise OutputError("standard output takes no bytes; leave --bytes out")
    if binary is not None:
        try:
            binary.write(data)
            binary.flush()
        except (OSError, ValueError) as error:
            _refuse(error)


def tell(text: str) -> None:
    """Print beside what a command is for, on standard error, where that can be."""
    Outlet(sys.stderr).write(visible(text) + "\n")


def _give(text: str) -> None:
    outlet = Outlet(sys.stdout)
    outlet.write(text)
    if outlet.trouble is not None:
        _refuse(outlet.trouble)


def _refuse(trouble: Exception) -> None:
    if isinstance(trouble, BrokenPipeError):
        raise trouble
    if getattr(trouble, "errno", None) == errno.EBADF:  # closed under Python's hands
        return
    reason = getattr(trouble, "strerror", None) or re.sub(r"\s+", " ", str(trouble)) or type(trouble).__name__
    raise OutputError(f"standard output cannot be written: {reason}") from trouble


def hold_standard_numbers() -> None:
    """Open the null device in place of closed standard streams, lest the next file that is opened becomes one."""
    if None not in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        return
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def let_go() -> None:
    """Drop a standard stream that holds what it cannot write, lest Python tries again at its end and complains."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            try:
                stream.flush()
            except Exception:
                setattr(sys, name, None)
