"""Two baselines for scale: a general compressor, and counting with Kneser-Ney smoothing. Needs no torch.

Both know one text and predict another, which is read a piece at a time: it may be of any length. A third, PPMd, is in
`ppmd.py`.
"""

import lzma
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary

ORDER = 6
DICTIONARY_LIMIT = 1 << 26
"""How far back xz may look, in bytes: its encoder takes some eleven times as much memory."""
LEAST_DISCOUNT = 0.1
"""Small counts can make a discount zero or less; then nothing would be left for what was never seen."""
_PIECE = 1 << 20
_Numbers = NDArray[np.int32]


class Compressed(NamedTuple):
    """What xz makes of a text.

    Attributes:
        bits: what it adds for the text to what it takes for the known one.
        reach: how many bytes back it could look, where that is less than all of both texts.
    """

    bits: float
    reach: int | None


def xz_filters(length: int) -> list[dict[str, int]]:
    """The settings of xz at its best for a raw stream of `length` bytes: all of it stays within reach, up to 64 MiB."""
    dictionary = min(max(length, 4096), DICTIONARY_LIMIT)
    return [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary}]


def compressed(known: Ids, text: Ids, vocabulary: Vocabulary) -> Compressed:
    """The bits that xz adds for `text` to what it takes for `known`: all of `known` is context.

    It compresses the characters in UTF-8, or the bytes as they are. Beyond `DICTIONARY_LIMIT` it forgets what came
    first, so that its memory stays under a gibibyte.
    """
    length = sum(map(len, chain(spelled(known, vocabulary), spelled(text, vocabulary))))
    filters = xz_filters(length)

    def size(*parts: Ids) -> int:
        packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
        pieces = chain.from_iterable(spelled(part, vocabulary) for part in parts)
        return sum(len(packer.compress(piece)) for piece in pieces) + len(packer.flush())

    return Compressed(8.0 * (size(known, text) - size(known)), DICTIONARY_LIMIT if length > DICTIONARY_LIMIT else None)


def kneser_ney(known: Ids, text: Ids, symbols: int, order: int = ORDER) -> float:
    """Mean nats a symbol of `text` under an n-gram model of `known`, interpolated modified Kneser-Ney smoothing.

    Chen and Goodman 1999, their modified smoothing; the lowest order is uniform over the symbols. The model is not
    changed by `text`, whose first symbols have the end of `known` as context.

    Args:
        known: ids to count in, (N,).
        text: ids to predict, (M,).
        symbols: V.
        order: n.
    """
    levels, before = _counted(known, symbols, order)
    total = 0.0
    for piece in _pieces(text):
        probability = np.full(len(piece), 1 / symbols)
        contexts = np.zeros(len(piece), np.int32)
        after = [0]
        for n, level in enumerate(levels, 1):
            grams = level.numbers(contexts, piece)
            probability = level.interpolate(grams, contexts, probability)
            contexts = np.concatenate([[before[n]], grams[:-1]]).astype(np.int32)
            after.append(int(grams[-1]))
        before = after
        total -= float(np.log(probability).sum())
    return total / len(text)


class _Level:
    """The counts of one order, and what each context gives to the order below.

    An n-gram's number is its place among the keys, and its key is made of its context's number and its last symbol.
    Beside the n-grams of U kinds and C kinds of contexts:

    Attributes:
        keys: in ascending order, (U,).
        counts: how often each n-gram was seen; below the highest order, after how many symbols: (U,).
        totals: the counts of all n-grams of a context, summed, (C,).
        given_down: what the discounts leave to the order below, (C,).
    """

    def __init__(self, keys: NDArray[np.int64], counts: _Numbers, symbols: int, contexts: int) -> None:
        self.keys, self.counts, self._symbols = keys, counts, symbols
        self._discounts = _discounts(counts)
        self.totals, self.given_down = np.zeros(contexts, np.int32), np.zeros(contexts)
        for first in range(0, len(keys), _PIECE):
            part = slice(first, first + _PIECE)
            place = keys[part] // symbols
            low, high = int(place[0]), int(place[-1]) + 1  # keys ascend, so that a piece's contexts lie together
            taken = self._discounts[np.minimum(counts[part], 3)]
            self.totals[low:high] += np.bincount(place - low, counts[part]).astype(np.int32)
            self.given_down[low:high] += np.bincount(place - low, taken)

    def numbers(self, contexts: _Numbers, ids: NDArray[np.int64]) -> _Numbers:
        """The numbers of the n-grams of these contexts and last symbols, -1 for what was never seen; all (M,)."""
        return _places(self.keys, contexts.astype(np.int64) * self._symbols + ids, contexts >= 0)

    def interpolate(self, grams: _Numbers, contexts: _Numbers, below: NDArray[np.float64]) -> NDArray[np.float64]:
        """This order's probabilities; the ones below where the context was never seen."""
        counts, totals = _at(self.counts, grams), _at(self.totals, contexts)
        kept = np.maximum(counts - self._discounts[np.minimum(counts, 3)], 0)
        mixed: NDArray[np.float64] = (kept + _at(self.given_down, contexts) * below) / np.maximum(totals, 1)
        return np.where(totals > 0, mixed, below)


def _counted(known: Ids, symbols: int, order: int) -> tuple[list[_Level], list[int]]:
    """The levels from 1 to `order`, and for each n from 0 the number of the n-gram that `known` ends with, or -1."""
    N = len(known)
    numbers, kinds, kinds_below = np.zeros(N, np.int32), 1, 1  # of the n-grams that end at each place, from n = 0
    keys_of = np.zeros(1, np.int64)
    levels: list[_Level] = []
    ends = [0]
    for n in range(1, order + 1):
        made = _keys(known, numbers, n, symbols)
        keys = _distinct(made)
        longer = np.full(N, -1, np.int32)
        for first in range(0, len(made), _PIECE):
            piece = made[first : first + _PIECE]
            longer[n - 1 + first : n - 1 + first + len(piece)] = _places(keys, piece, None)
        del made
        if n > 1:  # the order below is counted by what its n-grams follow: once for each n-gram of this order
            place = np.zeros(len(keys), np.int32)
            place[longer[n - 1 :]] = np.arange(n - 1, N, dtype=np.int32)
            counts = np.bincount(numbers[place], minlength=kinds).astype(np.int32)
            levels.append(_Level(keys_of, counts, symbols, kinds_below))
        numbers, keys_of, kinds_below, kinds = longer, keys, kinds, len(keys)
        ends.append(int(longer[-1]) if N else -1)
    counts = np.bincount(numbers[order - 1 :], minlength=kinds).astype(np.int32)
    levels.append(_Level(keys_of, counts, symbols, kinds_below))
    return levels, ends


def _keys(known: Ids, contexts: _Numbers, n: int, symbols: int) -> NDArray[np.int64]:
    """The keys of the n-grams of `known` that end at each place from n - 1 on, by the numbers of their contexts."""
    keys = np.empty(max(0, len(known) - n + 1), np.int64)
    done = 0
    for piece in _pieces(known[n - 1 :]):
        part = slice(done, done + len(piece))
        # The context of an n-gram that ends at a place ends one place before; that of a symbol alone is empty.
        before = contexts[part] if n == 1 else contexts[n - 2 + done : n - 2 + done + len(piece)]
        keys[part] = before.astype(np.int64) * symbols + piece
        done += len(piece)
    return keys


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The keys, each once, in ascending order."""
    ordered = np.sort(keys)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _places(keys: NDArray[np.int64], wanted: NDArray[np.int64], possible: NDArray[np.bool_] | None) -> _Numbers:
    """Where each of the wanted keys is among the keys; -1 for those that are not there or not possible."""
    distinct, inverse = np.unique(wanted, return_inverse=True)  # looked up in order, they are found faster
    if not len(keys):
        return np.full(len(wanted), -1, np.int32)
    place = np.searchsorted(keys, distinct)
    place[keys[np.minimum(place, len(keys) - 1)] != distinct] = -1
    found = place.astype(np.int32)[inverse]
    return found if possible is None else np.where(possible, found, np.int32(-1))


def _at(values: NDArray[Any], numbers: _Numbers) -> NDArray[Any]:
    """The values of those numbers, 0 for -1."""
    if not len(values):
        return np.zeros(len(numbers), values.dtype)
    return np.where(numbers >= 0, values[numbers], values.dtype.type(0))


def _discounts(counts: _Numbers) -> NDArray[np.float64]:
    """What is taken from counts of 0, 1, 2, and 3 or more."""
    ones, twos, threes, fours = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    y = ones / (ones + 2 * twos) if ones else 0.5
    rises = (1 - 2 * y * twos / max(ones, 1), 2 - 3 * y * threes / max(twos, 1), 3 - 4 * y * fours / max(threes, 1))
    held = (min(max(rise, LEAST_DISCOUNT), most) for rise, most in zip(rises, (1, 2, 3), strict=True))
    return np.array([0.0, *held], np.float64)


def _pieces(ids: Ids) -> Iterator[NDArray[np.int64]]:
    """Ids, a million at a time."""
    for first in range(0, len(ids), _PIECE):
        yield ids.read(first, min(first + _PIECE, len(ids)))


def spelled(ids: Ids, vocabulary: Vocabulary) -> Iterator[bytes]:
    """What ids stand for, as compressors read it: characters in UTF-8, or bytes as they are, a million at a time."""
    for piece in _pieces(ids):
        if vocabulary.kind == "bytes":
            yield piece.astype(np.uint8).tobytes()
        else:
            yield vocabulary.decode(piece).encode("utf-8", "surrogatepass")
