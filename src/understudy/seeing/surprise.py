"""How surprising each place of a text is to a model."""

import heapq
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from understudy.errors import TextError
from understudy.generation.sampling import Floats
from understudy.seeing.places import Block, By, Place, blocks, line_starts, places_in
from understudy.seeing.scoring import Scored, Scorer
from understudy.storage import Scratch
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import Ids, encode
from understudy.text.progress import SCORING, progress
from understudy.text.vocabulary import Vocabulary, opening

Rank = Literal["excess", "mean", "total"]
RANKS: tuple[Rank, ...] = get_args(Rank)


class Surprise:
    """A text that was scored. Its nats lie on the disk: memory does not grow with the text.

    Attributes:
        nats: of all the text.
        predicted: how many symbols were predicted.
        unknown: how many symbols the model never saw.
    """

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary, file: Scratch) -> None:
        self.nats, self.predicted, self.unknown = 0.0, 0, 0
        self._corpus, self._vocabulary, self._file = corpus, vocabulary, file
        self._table = vocabulary.table()

    @property
    def mean(self) -> float:
        """Nats a symbol, 0 where none was predicted."""
        return self.nats / self.predicted if self.predicted else 0.0

    def score(self, scorer: Scorer, *, fresh: bool) -> None:
        """Score all of the text."""
        if fresh:
            scored, total = scorer.fresh(self._lines(), opening(self._vocabulary)), None
        else:
            seen = survey(self._corpus, self._vocabulary.kind)
            ids = encode(self._corpus, seen, self._vocabulary).ids
            scored, total = scorer.carried(ids), len(ids)
            self.unknown = sum(seen.unknown_to(self._vocabulary).values())
            self._file.write(0, np.full(1, np.nan, np.float32).tobytes())
        for piece in scored:
            self.nats += float(piece.nats.sum(dtype=np.float64))
            self.predicted += len(piece.nats)
            self._file.write(piece.place * piece.nats.itemsize, piece.nats.tobytes())
            progress(SCORING, self.predicted, total)

    def blocks(self) -> Iterator[tuple[Block, Floats, NDArray[np.bool_]]]:
        """The text again, block by block: the nats of each symbol, (N,), and which ones the model knows, (N,).

        Where a symbol is unknown, or the text's first, it was not predicted: its nats are not a number.

        Raises:
            TextError: the text is another one by now, or cannot be read any more.
        """
        at = 0
        for block in blocks(self._corpus, self._vocabulary.kind):
            known = self._table[block.codes] >= 0
            nats = np.full(len(known), np.nan, np.float32)
            size = int(known.sum()) * nats.itemsize
            data = self._file.read(at, size)
            if len(data) < size:
                raise TextError(
                    f"{self._corpus.name}: the text changed while it was being read; begin again when it stays as it is"
                )
            at += size
            nats[known] = np.frombuffer(data, np.float32)
            yield block, nats, known

    def places(self, by: By) -> Iterator[Place]:
        """The text's lines, words, characters or files, in order."""
        whole: Place | None = None
        for block, nats, known in self.blocks():
            for place in places_in(block, nats, known, by, self._vocabulary.kind):
                if by != "file":
                    yield place
                elif whole is None or whole.source != place.source:
                    if whole is not None:
                        yield whole
                    whole = place
                else:
                    sums = (getattr(whole, name) + getattr(place, name) for name in ("nats", "predicted", "unknown"))
                    whole = Place(*whole[:4], *sums)
        if whole is not None:
            yield whole

    def most(self, by: By, count: int, rank: Rank = "excess") -> list[Place]:
        """The most surprising places, the most surprising first.

        Args:
            by: of what kind.
            count: how many.
            rank: by "total" nats; by the "mean" of them; or by the "excess": how far the total is beyond the text's
                mean times the number of symbols, in units of that number's root. A long line has a larger total, a
                short one a mean further from the text's, without being odd.
        """

        def key(place: Place) -> float:
            if rank == "excess":
                return (place.nats - place.predicted * self.mean) / math.sqrt(place.predicted)
            return place.nats if rank == "total" else place.mean

        return heapq.nlargest(count, (place for place in self.places(by) if place.predicted), key)

    def _lines(self) -> Iterator[NDArray[np.int32]]:
        """The ids of every line, without what the model never saw."""
        for block in blocks(self._corpus, self._vocabulary.kind):
            ids = self._table[block.codes]
            self.unknown += int((ids < 0).sum())
            for line in np.split(ids, line_starts(block.codes)[1:]):
                yield line[line >= 0]


def short(scorer: Scorer, vocabulary: Vocabulary, codes: NDArray[np.integer[Any]], *, fresh: bool) -> Iterator[Scored]:
    """Score a text that is in memory, symbols (N,); a place is one among those that the model knows."""
    ids = vocabulary.table()[codes]
    if not fresh:
        return scorer.carried(Ids(ids[ids >= 0].astype(vocabulary.dtype), len(vocabulary)))
    lines = np.split(ids, line_starts(codes)[1:]) if len(ids) else []
    return scorer.fresh((line[line >= 0] for line in lines), opening(vocabulary))


def nats_of(scorer: Scorer, vocabulary: Vocabulary, codes: NDArray[np.integer[Any]], *, fresh: bool) -> Floats:
    """The nats of each symbol of a text that is in memory, (N,), not a number where nothing was predicted."""
    nats = np.full(len(codes), np.nan, np.float32)
    known = np.flatnonzero(vocabulary.table()[codes] >= 0)
    for scored in short(scorer, vocabulary, codes, fresh=fresh):
        nats[known[scored.place : scored.place + len(scored.nats)]] = scored.nats
    return nats


@contextmanager
def surprise(corpus: Corpus, vocabulary: Vocabulary, scorer: Scorer, *, fresh: bool = False) -> Iterator[Surprise]:
    """Score a text; what was found can be looked at while the block lasts.

    Args:
        corpus: the text.
        vocabulary: the model's.
        scorer: of the same model.
        fresh: each line as if it were the first, not in the light of what came before.

    Raises:
        TextError: a source cannot be read or decoded.
        StorageError: the disk refused.
    """
    with Scratch() as file:
        found = Surprise(corpus, vocabulary, file)
        found.score(scorer, fresh=fresh)
        yield found
