"""A text in lines, words, characters or files, each with where it stands and how surprising it was."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from understudy.generation.sampling import Floats
from understudy.text.corpus import Corpus
from understudy.text.vocabulary import Kind

By = Literal["character", "word", "line", "file"]
BYS: tuple[By, ...] = get_args(By)
_LONGEST_LINE = 1 << 20
"""A line of more symbols is taken in parts."""
_LONGEST_TEXT = 1 << 16
"""So many symbols of a place are given as text, at most."""
_SPACES = np.array([9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x2028, 0x2029, 0x3000], np.uint32)
_NEWLINE = 10


class Block(NamedTuple):
    """Whole lines of one source, or a part of a very long one.

    Attributes:
        source: its number.
        line: the number of the first line, from 1.
        column: that of the first symbol in its line, from 1.
        codes: the symbols, (N,): code points or bytes.
    """

    source: int
    line: int
    column: int
    codes: NDArray[np.integer[Any]]


class Place(NamedTuple):
    """A part of a text.

    Attributes:
        source: the number of the source that it is of.
        line: the line that it begins in, from 1.
        column: the place of its first symbol in that line, from 1.
        text: itself, without the line's end, or its beginning where it is very long.
        nats: how surprising it was in all.
        predicted: how many of its symbols were predicted.
        unknown: how many of its symbols the model never saw.
    """

    source: int
    line: int
    column: int
    text: str
    nats: float
    predicted: int
    unknown: int

    @property
    def mean(self) -> float:
        """Nats a symbol, 0 where none was predicted."""
        return self.nats / self.predicted if self.predicted else 0.0


def blocks(corpus: Corpus, kind: Kind) -> Iterator[Block]:
    """The text, some lines at a time.

    Raises:
        TextError: a source cannot be read or decoded.
    """
    at, held, length = Block(0, 1, 1, np.zeros(0, np.uint8)), list[NDArray[np.integer[Any]]](), 0
    for source, piece in corpus.pieces(kind):
        if source != at.source:
            if length:
                yield at._replace(codes=np.concatenate(held))
            at, held, length = Block(source, 1, 1, at.codes), [], 0
        ends = np.flatnonzero(piece == _NEWLINE)
        cut = int(ends[-1]) + 1 if len(ends) else len(piece) if length + len(piece) > _LONGEST_LINE else 0
        if cut:
            codes = np.concatenate([*held, piece[:cut]])
            yield at._replace(codes=codes)
            column = 1 if len(ends) else at.column + len(codes)
            at, held, length = at._replace(line=at.line + len(ends), column=column), [], 0
        held.append(piece[cut:])
        length += len(piece) - cut
    if length:
        yield at._replace(codes=np.concatenate(held))


def line_starts(codes: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Where the lines of a block begin, (lines,)."""
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(codes[:-1] == _NEWLINE) + 1])


def character_starts(codes: NDArray[np.integer[Any]], kind: Kind) -> NDArray[np.int64]:
    """Where the characters of a block begin, (characters,): one of bytes is all of its bytes."""
    begins = (codes & 0xC0) != 0x80 if kind == "bytes" else np.ones(len(codes), np.bool_)
    begins[:1] = True
    return np.flatnonzero(begins)


def characters_of(places: Iterable[Place]) -> str:
    """The characters of a text, one for each place: what is no UTF-8 shows as U+FFFD."""
    return "".join(place.text if len(place.text) == 1 else "\ufffd" for place in places)


def places_in(block: Block, nats: Floats, known: NDArray[np.bool_], by: By, kind: Kind) -> Iterator[Place]:
    """The lines, words or characters of a block; of a file, the part that lies in it.

    Args:
        block: the block.
        nats: how surprising each symbol was, (N,), not a number where nothing was predicted.
        known: which symbols the model knows, (N,).
        by: of what kind the places are to be.
        kind: of what kind the symbols are.
    """
    codes = block.codes
    starts, ends = _spans(codes, by, kind)
    if not len(starts):
        return
    predicted = ~np.isnan(nats)
    totals = _sums(np.where(predicted, nats, 0).astype(np.float64), starts, ends)
    counts, unknown = _sums(predicted.astype(np.int64), starts, ends), _sums((~known).astype(np.int64), starts, ends)
    lines = line_starts(codes)
    number = np.searchsorted(lines, starts, "right") - 1
    columns = starts - lines[number] + np.where(number == 0, block.column, 1)
    numbers = (starts, ends, number + block.line, columns, totals, counts, unknown)
    for start, end, line, column, total, count, lacking in zip(*(row.tolist() for row in numbers), strict=True):
        text = "" if by == "file" else _text(codes[start : min(end, start + _LONGEST_TEXT)], kind)
        shown = text.removesuffix("\n") if by == "line" else text
        yield Place(block.source, line, column, shown, total, count, lacking)


def _spans(codes: NDArray[np.integer[Any]], by: By, kind: Kind) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the places of a block begin, and where they end, (places,) each."""
    if by == "word":
        inside = np.concatenate([[False], ~np.isin(codes, _SPACES[: 6 if kind == "bytes" else None]), [False]])
        turns = np.flatnonzero(inside[1:] != inside[:-1])
        return turns[::2], turns[1::2]
    if by == "file":
        starts = np.zeros(1, np.int64)
    elif by == "line":
        starts = line_starts(codes)
    else:
        starts = character_starts(codes, kind)
    return starts, np.append(starts[1:], len(codes))


def _sums(values: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[Any]:
    """What lies between each start and its end, summed."""
    upto: NDArray[Any] = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    found: NDArray[Any] = upto[ends] - upto[starts]
    return found


def _text(codes: NDArray[np.integer[Any]], kind: Kind) -> str:
    if kind == "bytes":
        return codes.astype(np.uint8).tobytes().decode("utf-8", "replace")
    return codes.astype("<u4").tobytes().decode("utf-32-le")
