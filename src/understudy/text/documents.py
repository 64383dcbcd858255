"""Files that hold many documents, JSON lines and Parquet, read as one text."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from understudy.text import json_lines, packed, parquet
from understudy.text.names import file_name

DEFAULT_FIELD = "text"
AS_IT_IS = ""
"""The name of no field: what holds documents is read as any other file."""
_OF_LINES = (".jsonl", ".ndjson")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Reading:
    """How documents are taken out of files that hold many.

    Attributes:
        field: the field that holds the text, and then every file is read as JSON lines or Parquet; None for `text`
            where a file's name says JSON lines, or its first bytes say Parquet; `AS_IT_IS` for no such thing.
        between: what stands between two documents; None for a newline where a document does not end its last line.
    """

    field: str | None = None
    between: str | None = None

    def of_lines(self, name: str) -> bool:
        """Whether a file that is no Parquet is read as JSON lines."""
        if self.field is None:
            return file_name(name).lower().endswith(_OF_LINES)
        return self.field != AS_IT_IS


BY_NAME = Reading()
"""As it is where nobody says anything: by the names and the first bytes of files."""
ENCODING = "utf-8"
"""How documents are written that come out of a file that holds many, whatever the encoding of others."""


def holds_documents(file: IO[bytes]) -> bool:
    """Whether what was opened are documents out of a file that holds many."""
    return isinstance(getattr(file, "raw", None), _Joined)


def opened(file: IO[bytes], name: str, how: Reading) -> IO[bytes]:
    """A file's text: unpacked, and with its documents joined where it holds many. Closing that closes the file.

    Reading it may raise `packed.DamagedError`, or a TextError that says which document is none.

    Args:
        file: the file, at its beginning, which can be read again from there.
        name: the file's.
        how: how documents are taken out of it.

    Raises:
        MissingExtraError: what reads it is not installed.
        TextError: it is Parquet, and has no such column of texts.
    """
    try:
        head = file.read(packed.HEAD_BYTES)
        file.seek(0)
        field = DEFAULT_FIELD if how.field is None else how.field
        if field != AS_IT_IS and parquet.begins(head):
            return io.BufferedReader(_Joined(parquet.documents(file, name, field), how.between, file), _BLOCK)
        plain = packed.unpacked(file, head, name)
        if not how.of_lines(name):
            return plain
        return io.BufferedReader(_Joined(json_lines.documents(plain, name, field), how.between, plain), _BLOCK)
    except BaseException:
        file.close()
        raise


class _Joined(packed.Over):
    """Documents one after another, as a file."""

    def __init__(self, documents: Iterable[bytes], between: str | None, file: IO[bytes]) -> None:
        super().__init__(file)
        self._blocks = _blocks(documents, between)
        self._left = memoryview(b"")

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        if not self._left:
            self._left = memoryview(next(self._blocks, b""))
        taken = self._left[: len(buffer)]
        buffer[: len(taken)] = taken
        self._left = self._left[len(taken) :]
        return len(taken)


def _blocks(documents: Iterable[bytes], between: str | None) -> Iterator[bytes]:
    """The documents and what stands between them, about a million bytes at a time; empty ones are passed over."""
    said = None if between is None else between.encode()
    block = bytearray()
    begun = ended = False
    for document in documents:
        if not document:
            continue
        if begun:
            block += (b"" if ended else b"\n") if said is None else said
        block += document
        begun, ended = True, document.endswith(b"\n")
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
