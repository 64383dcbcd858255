"""Bytes -> characters, strictly: what is no text is refused with the place where it stands."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from understudy.checks import named
from understudy.errors import ConfigError, TextError

BYTE_ORDER_MARK = "\ufeff"
_REMEDY = "name the file's encoding with --encoding NAME, or learn its bytes with --vocabulary bytes"
_OF_NAMES = {"idna", "punycode"}
"""Encodings for names of machines; they take hours for a text."""
_NOT_IN_TEXT = re.compile("[\0\ud800-\udfff]")


def check_encoding(encoding: str) -> None:
    """See that Python knows a text encoding of that name, which can be read piece by piece.

    Raises:
        ConfigError: it does not.
    """
    try:
        found = codecs.lookup(encoding)
        if not found._is_text_encoding or found.incrementaldecoder is None or found.name in _OF_NAMES:
            raise LookupError
    except (LookupError, ValueError, TypeError) as error:
        raise ConfigError(
            f"--encoding {encoding and named(encoding)}: Python knows no text encoding of that name; "
            f"try utf-8, utf-16, latin-1, cp1252 or cp1251"
        ) from error


def characters(name: str, blocks: Iterable[tuple[bytes, bool]], encoding: str, *, lf: bool) -> Iterator[str]:
    """The text of a source, piece by piece, without a byte order mark at its start.

    Args:
        name: the source's, for messages.
        blocks: its bytes, each block with whether it is the last one.
        encoding: how they stand for characters.
        lf: whether every line end becomes a newline.

    Raises:
        TextError: what comes is not in that encoding, is binary, or has halves of characters.
    """
    reader = _Reader(named(name), encoding)
    newline = io.IncrementalNewlineDecoder(None, translate=True) if lf else None
    start = True
    for block, final in blocks:
        text = reader.read(block, final)
        if start and text:
            text, start = text.removeprefix(BYTE_ORDER_MARK), False
        if newline is not None:
            text = newline.decode(text, final)
        if text:
            yield text


def _has_halves(text: str) -> bool:
    """Whether lone surrogates are among the characters; many times as fast as a search for them."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


class _Reader:
    """A decoder that knows where it is."""

    def __init__(self, name: str, encoding: str) -> None:
        self._name = name
        self._encoding = encoding
        self._shown = named(encoding)
        self._consumed = 0
        self._gives_halves = codecs.lookup(encoding).name != "utf-8"
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        except Exception as error:  # a codec may be anybody's
            raise self._unreadable(error) from error

    def read(self, block: bytes, final: bool) -> str:
        """The text that `block` completes."""
        before = self._state()
        try:
            text = self._decoder.decode(block, final)
            if not isinstance(text, str):
                raise TypeError(f"it gives {type(text).__name__} in place of text")
        except UnicodeDecodeError as error:
            raise self._undecodable(error, block) from error
        except Exception as error:  # a codec's own complaint, such as utf-16's missing byte order mark
            raise self._unreadable(error) from error
        odd = _NOT_IN_TEXT.search(text) if "\0" in text or (self._gives_halves and _has_halves(text)) else None
        if odd is not None:
            raise self._not_in_text(odd, self._place(before, block, final, odd.start()))
        self._consumed += len(block)
        return text

    def _state(self) -> Any:
        with suppress(Exception):
            return self._decoder.getstate()
        return (b"", 0)

    def _place(self, before: Any, block: bytes, final: bool, index: int) -> int:
        """The offset of the bytes that gave character `index` of what `block` gave after the state `before`.

        Bytes are taken away from the end until the character is no longer there; what was there then without any of
        those that gave it ends where they begin.
        """

        def given(length: int) -> int:
            decoder = codecs.getincrementaldecoder(self._encoding)("strict")
            decoder.setstate(before)
            return len(decoder.decode(block[:length], final and length == len(block)))

        def least(wanted: int) -> int:
            low, high = 0, len(block)
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if given(middle) >= wanted else (middle + 1, high)
            return low

        with suppress(Exception):
            end = least(index + 1)
            begin = least(given(end - 1)) if end else 0
            held = len(before[0]) if begin == 0 else 0  # it may have begun in the block before
            return self._consumed + begin - held
        return self._consumed

    def _not_in_text(self, odd: re.Match[str], offset: int) -> TextError:
        if odd[0] == "\0":
            return TextError(
                f"{self._name}: a NUL character near byte {offset:,} says that this is a binary file, not a text; "
                f"name its encoding with --encoding NAME (utf-16, say), or learn its bytes with --vocabulary bytes"
            )
        return TextError(
            f"{self._name}: the bytes at offset {offset:,} are half of a character in {self._shown} "
            f"(a lone surrogate, U+{ord(odd[0]):04X}), which is no text: {_REMEDY}"
        )

    def _unreadable(self, error: Exception) -> TextError:
        said = " ".join(str(error).split()) or type(error).__name__
        return TextError(f"{self._name}: not readable as {self._shown}: {named(said)}: {_REMEDY}")

    def _undecodable(self, error: UnicodeDecodeError, block: bytes) -> TextError:
        """What to say of a byte; the error's object ends where the block ends, and may begin before it."""
        data = bytes(error.object)
        offset = self._consumed + len(block) - len(data) + error.start
        hint = ""
        if offset == 0 and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = " (it looks like utf-16)"
        elif b"\0" in data and self._keeps_ascii():  # utf-16 is full of zeros itself
            hint = " (it looks like a binary file)"
        byte = f"0x{data[error.start]:02X}" if error.start < len(data) else "missing"
        return TextError(
            f"{self._name}: byte {byte} at offset {offset:,} is not {self._shown.upper()}: name the file's "
            f"encoding with --encoding NAME{hint}, or learn its bytes with --vocabulary bytes"
        )

    def _keeps_ascii(self) -> bool:
        with suppress(Exception):
            return "a".encode(self._encoding) == b"a"
        return False
