"""Sources -> one stream of symbols, decoded strictly; and the survey that counts them."""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ConfigError, TextError
from understudy.text.source import Source
from understudy.text.vocabulary import LARGEST_CODE_POINT, Kind, Vocabulary, code_points

READ_BYTES = 1 << 20
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Corpus:
    """Sources read as one text, in order.

    A source that does not end its last line is followed by a newline where another one comes after it, so that
    no line runs from one file into the next; nothing else is added, and only what is named here is taken away:
    a byte order mark at the start of a source (not where the bytes themselves are learned), and carriage returns
    where `newlines` is "lf".
    """

    sources: Sequence[Source]
    encoding: str = "utf-8"
    newlines: Literal["keep", "lf"] = "keep"

    def __post_init__(self) -> None:
        try:
            if not codecs.lookup(self.encoding)._is_text_encoding:
                raise LookupError
        except LookupError as error:
            raise ConfigError(
                f"--encoding {self.encoding}: Python knows no text encoding of that name; "
                f"try utf-8, utf-16, latin-1, cp1252 or cp1251"
            ) from error

    @property
    def name(self) -> str:
        """A short name: the first source's, without folder and ending."""
        first = self.sources[0].name
        if first.startswith("@"):
            return first[1:]
        return Path(first).name.removesuffix(".gz").rsplit(".", 1)[0].replace(" ", "-") or "text"

    def symbols(self, kind: Kind) -> Iterator[NDArray[np.integer[Any]]]:
        """The text as arrays of code points (uint32) or bytes (uint8), about a million at a time.

        Raises:
            TextError: a source cannot be read or decoded.
        """
        ended = True
        for source in self.sources:
            if not ended:
                yield np.array([ord("\n")], np.uint8)
                ended = True
            for piece in self._bytes(source) if kind == "bytes" else map(code_points, self._text(source)):
                ended = piece[-1] == ord("\n")
                yield piece

    def head(self, kind: Kind, length: int) -> NDArray[np.integer[Any]]:
        """The first `length` symbols, or all where there are fewer."""
        taken: list[NDArray[np.integer[Any]]] = []
        for piece in self.symbols(kind):
            taken.append(piece[: length - sum(map(len, taken))])
            if sum(map(len, taken)) >= length:
                break
        return np.concatenate(taken) if taken else np.zeros(0, np.uint32)

    def _bytes(self, source: Source) -> Iterator[NDArray[np.uint8]]:
        pending = b""
        for block in _blocks(source):
            data = pending + block
            pending = b""
            if self.newlines == "lf":
                if data.endswith(b"\r"):
                    data, pending = data[:-1], b"\r"
                data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if data:
                yield np.frombuffer(data, np.uint8)
        if pending:
            yield np.frombuffer(b"\n", np.uint8)

    def _text(self, source: Source) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)("strict")
        newline = io.IncrementalNewlineDecoder(None, translate=True) if self.newlines == "lf" else None
        start, consumed = True, 0
        for block, final in _marked_last(_blocks(source)):
            base = consumed - len(decoder.getstate()[0])
            consumed += len(block)
            try:
                text = decoder.decode(block, final)
            except UnicodeDecodeError as error:  # its object ends where the block ends, and may begin before it
                raise self._undecodable(source, consumed - len(error.object) + error.start, error) from error
            except UnicodeError as error:  # a codec's own complaint, such as utf-16's missing byte order mark
                raise TextError(
                    f"{source.name}: not readable as {self.encoding}: {error}: name the file's encoding with "
                    f"--encoding NAME, or learn its bytes with --vocabulary bytes"
                ) from error
            if "\0" in text:
                place = base + len(text[: text.index("\0")].encode(self.encoding, "replace"))
                raise TextError(
                    f"{source.name}: a NUL character near byte {place:,} says that this is a binary file, not a "
                    f"text; name its encoding with --encoding NAME (utf-16, say), or learn its bytes with "
                    f"--vocabulary bytes"
                )
            if start and text:
                text, start = text.removeprefix(BYTE_ORDER_MARK), False
            if newline is not None:
                text = newline.decode(text, final)
            if text:
                yield text

    def _undecodable(self, source: Source, offset: int, error: UnicodeDecodeError) -> TextError:
        hint = ""
        if offset == 0 and bytes(error.object[:2]) in (b"\xff\xfe", b"\xfe\xff"):
            hint = " (it looks like utf-16)"
        elif b"\0" in error.object and "a".encode(self.encoding) == b"a":  # utf-16 is full of zeros itself
            hint = " (it looks like a binary file)"
        return TextError(
            f"{source.name}: byte 0x{error.object[error.start]:02X} at offset {offset:,} is not "
            f"{self.encoding.upper()}: name the file's encoding with --encoding NAME{hint}, or learn its bytes "
            f"with --vocabulary bytes"
        )


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over a corpus tells: its length in symbols, its digest, and how often each symbol comes."""

    kind: Kind
    length: int
    sha256: str
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    def vocabulary(self) -> Vocabulary:
        """The vocabulary of this text."""
        return Vocabulary.of_bytes() if self.kind == "bytes" else Vocabulary.of_codes(self.codes)

    def unknown_to(self, vocabulary: Vocabulary) -> dict[str, int]:
        """The characters that `vocabulary` lacks, in code-point order, each with how often it comes."""
        if vocabulary.kind == "bytes":
            return {}
        lacking = ~np.isin(self.codes, vocabulary.symbols)
        return {chr(code): int(count) for code, count in zip(self.codes[lacking], self.counts[lacking], strict=True)}


def survey(corpus: Corpus, kind: Kind) -> Survey:
    """Read the corpus once, with bounded memory.

    The digest is the SHA-256 of the text in UTF-8 (of the bytes as they are, for bytes).

    Raises:
        TextError: a source cannot be read or decoded, or there is no text at all.
    """
    digest = hashlib.sha256()
    totals = np.zeros(256 if kind == "bytes" else LARGEST_CODE_POINT + 1, np.int64)
    length = 0
    for piece in corpus.symbols(kind):
        length += len(piece)
        counts = np.bincount(piece)
        totals[: len(counts)] += counts
        digest.update(as_bytes(piece, kind))
    if length == 0:
        names = ", ".join(source.name for source in corpus.sources)
        raise TextError(f"{names}: the text is empty; there is nothing to learn from")
    codes = np.flatnonzero(totals)
    return Survey(kind, length, digest.hexdigest(), codes, totals[codes])


def as_bytes(piece: NDArray[np.integer[Any]], kind: Kind) -> bytes:
    """A piece of `Corpus.symbols` as a digest reads it: characters in UTF-8, bytes as they are."""
    if kind == "bytes":
        return piece.astype(np.uint8).tobytes()
    return piece.astype("<u4").tobytes().decode("utf-32-le").encode()


def _blocks(source: Source) -> Iterator[bytes]:
    try:
        with source.open() as file:
            while block := file.read(READ_BYTES):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TextError(f"{source.name}: the gzip file is damaged: {error}") from error
    except OSError as error:
        raise TextError(f"{source.name}: cannot be read: {error.strerror or error}") from error


def _marked_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block with whether it is the last one; an empty source gives one empty block."""
    held = next(blocks, b"")
    for block in blocks:
        yield held, False
        held = block
    yield held, True
