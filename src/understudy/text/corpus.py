"""Sources -> one stream of symbols, decoded strictly; and the survey that counts them."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import TextError
from understudy.text.coding import Piece, Tally, as_bytes
from understudy.text.decoding import characters, check_encoding
from understudy.text.digest import Digest
from understudy.text.folders import left_out_note
from understudy.text.meter import Meter
from understudy.text.names import short_name
from understudy.text.progress import READING
from understudy.text.source import Source
from understudy.text.vocabulary import Kind, Vocabulary, code_points

READ_BYTES = 1 << 20
_MOST_BYTES_A_SYMBOL = 32  # an escape for one character, in any encoding that there is, and line ends of two
_LONGER = (0x80, 0x800, 0x10000)
"""Code points from which on a character has one byte more in UTF-8."""


@dataclass(frozen=True)
class Corpus:
    """Sources read as one text, in order.

    A source that does not end its last line is followed by a newline where another one comes after it, so that
    no line runs from one file into the next; nothing else is added, and only what is named here is taken away:
    a byte order mark at the start of a source (not where the bytes themselves are learned), and carriage returns
    where `newlines` is "lf".

    Attributes:
        sources: where the text comes from, in order.
        encoding: how characters are written in them.
        newlines: "lf" turns every line end into a newline.
        left_out: what was left out of the folders that were named, because runs wrote it.
        limit: how many symbols a text that may be a stranger's is said to have; no more of it is read.
    """

    sources: Sequence[Source]
    encoding: str = "utf-8"
    newlines: Literal["keep", "lf"] = "keep"
    left_out: tuple[str, ...] = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.sources:
            raise TextError("no text was named; give a text file, a folder of them, or - for standard input")
        check_encoding(self.encoding)

    @property
    def name(self) -> str:
        """A short name, safe for a run folder: the first source's, without folder and ending."""
        return short_name(self.sources[0].name)

    @property
    def left_out_note(self) -> str | None:
        """One line on what was left out of folders, to be shown; None where nothing was."""
        return left_out_note(self.left_out)

    def symbols(self, kind: Kind) -> Iterator[NDArray[np.integer[Any]]]:
        """The text as arrays of code points (uint32) or bytes (uint8), about a million at a time.

        Raises:
            TextError: a source cannot be read or decoded, or there is more of it than `limit`.
        """
        return (piece for _, piece in self.pieces(kind))

    def pieces(self, kind: Kind) -> Iterator[tuple[int, NDArray[np.integer[Any]]]]:
        """`symbols`, each with the number of the source that it is of.

        Raises:
            TextError: see `symbols`.
        """
        for number, piece in self.written(kind):
            yield number, code_points(piece) if isinstance(piece, str) else np.frombuffer(piece, np.uint8)

    def written(self, kind: Kind) -> Iterator[tuple[int, Piece]]:
        """`pieces`, as strings or bytes.

        Raises:
            TextError: see `symbols`.
        """
        newline: Piece = b"\n" if kind == "bytes" else "\n"
        ended, length = True, 0
        for number, source in enumerate(self.sources):
            if not ended:
                length += 1
                yield number - 1, newline
                ended = True
            for piece in self._bytes(source) if kind == "bytes" else self._text(source):
                length += len(piece)
                if self.limit is not None and length > self.limit:
                    raise self._longer(source)
                ended = piece[-1:] == newline
                yield number, piece

    def head(self, kind: Kind, length: int) -> NDArray[np.integer[Any]]:
        """The first `length` symbols, or all where there are fewer."""
        taken: list[NDArray[np.integer[Any]]] = []
        for piece in self.symbols(kind):
            taken.append(piece[: length - sum(map(len, taken))])
            if sum(map(len, taken)) >= length:
                break
        return np.concatenate(taken) if taken else np.zeros(0, np.uint32)

    def _bytes(self, source: Source) -> Iterator[bytes]:
        pending = b""
        for block in self._blocks(source):
            data = pending + block
            pending = b""
            if self.newlines == "lf":
                if data.endswith(b"\r"):
                    data, pending = data[:-1], b"\r"
                data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if data:
                yield data
        if pending:
            yield b"\n"

    def _text(self, source: Source) -> Iterator[str]:
        return characters(source.name, _marked_last(self._blocks(source)), self.encoding, lf=self.newlines == "lf")

    def _blocks(self, source: Source) -> Iterator[bytes]:
        most = None if self.limit is None else self.limit * _MOST_BYTES_A_SYMBOL + READ_BYTES
        taken = 0
        for block in _blocks(source):
            taken += len(block)
            if most is not None and taken > most:  # such as a gzip file of nothing but escapes, which give no symbol
                raise self._longer(source)
            yield block

    def _longer(self, source: Source) -> TextError:
        return TextError(
            f"{named(source.name)}: longer than the {self.limit:,} symbols that were recorded of it, so another "
            f"text; name the right one"
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

    @property
    def size(self) -> int:
        """How many bytes the text has, in UTF-8 where its symbols are characters."""
        if self.kind == "bytes":
            return self.length
        return int(self.counts @ sum((self.codes >= first for first in _LONGER), np.ones(len(self.codes), np.int64)))

    @property
    def carriage_returns(self) -> int:
        """How many carriage returns the text has; files from Windows end each line with one and a newline."""
        return int(self.counts[self.codes == ord("\r")].sum())

    @property
    def newlines_note(self) -> str | None:
        """One line on carriage returns in the text, to be shown; None where it has none."""
        if not self.carriage_returns:
            return None
        return (
            f"the text has {self.carriage_returns:,} carriage returns (\\r), which files from Windows have at the end "
            f"of each line, and they are learned like any character; --newlines lf makes every line end a newline"
        )


def survey(corpus: Corpus, kind: Kind) -> Survey:
    """Read the corpus once, with bounded memory.

    The digest is the SHA-256 of the text in UTF-8 (of the bytes as they are, for bytes).

    Raises:
        TextError: a source cannot be read or decoded, or there is no text at all.
    """
    tally, meter, length = Tally(kind), Meter(READING, corpus.sources), 0
    with Digest() as digest:
        for _, piece in replace(corpus, sources=meter.sources).written(kind):
            data = as_bytes(piece)
            digest.update(data)
            tally.add(piece, data)
            length += len(piece)
        sha256 = digest.hexdigest()
    meter.end()
    if length == 0:
        names = ", ".join(named(source.name) for source in corpus.sources[:3]) + (", ..." * (len(corpus.sources) > 3))
        raise TextError(f"{names}: the text is empty; there is nothing to learn from")
    totals = tally.totals()
    codes = np.flatnonzero(totals)
    return Survey(kind, length, sha256, codes, totals[codes])


def _blocks(source: Source) -> Iterator[bytes]:
    try:
        with source.open() as file:
            while block := file.read(READ_BYTES):
                yield block
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TextError(f"{named(source.name)}: the gzip file is damaged: {error}") from error
    except OSError as error:
        raise TextError(f"{named(source.name)}: cannot be read: {error.strerror or error}") from error


def _marked_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block with whether it is the last one; an empty source gives one empty block."""
    held = next(blocks, b"")
    for block in blocks:
        yield held, False
        held = block
    yield held, True
