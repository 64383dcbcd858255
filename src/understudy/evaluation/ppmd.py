"""A third baseline, PPMd: contexts of up to sixteen bytes, mixed by how often each let a symbol escape.

Shkarin, PPM: one step to practicality, 2002; his variant I, as 7-Zip and `pyppmd` have it, which is an extra. On 21
of the 24 texts of `benchmarks/texts.py` it is ahead of variant H, by up to 0.044 bits (benchmarks/RESULTS.md).
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from understudy.errors import MissingExtraError
from understudy.evaluation.baselines import spelled
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary

ORDER = 16
MEMORY_LIMIT = 1 << 30
"""The most that its contexts may take, in bytes."""
ROOM = 64
"""Bytes of memory for each byte of text: real texts need up to 31, the worst that we could make 43."""
_LEAST_MEMORY = 1 << 20  # in a few kilobytes it would look for room for ever
_PORTION = 1 << 14
_CUT_OFF = 1  # full, it drops its rarest contexts and goes on; the other way is to forget all of them


class Predicted(NamedTuple):
    """What PPMd makes of a text.

    Attributes:
        bits: what it adds for the text to what it takes for the known one.
        memory: how many bytes it had, where both texts may need more, so that it may have forgotten what was rare.
    """

    bits: float
    memory: int | None


def predicted(known: Ids, text: Ids, vocabulary: Vocabulary) -> Predicted:
    """The bits that PPMd adds for `text` to what it takes for `known`, all of which it has learned from.

    It reads the characters in UTF-8, or the bytes as they are, and goes on learning as it reads.

    Args:
        known: ids to learn from, (N,).
        text: ids to predict, (M,).
        vocabulary: what the ids of both stand for.

    Raises:
        MissingExtraError: pyppmd is not installed.
    """
    encoder = _encoder()
    length = sum(map(len, chain(spelled(known, vocabulary), spelled(text, vocabulary))))
    memory = memory_for(length)

    def size(*parts: Ids) -> int:
        pieces = chain.from_iterable(spelled(part, vocabulary) for part in parts)
        return size_by(encoder(ORDER, memory, _CUT_OFF), pieces)

    return Predicted(8.0 * (size(known, text) - size(known)), memory if length * ROOM > memory else None)


def memory_for(length: int) -> int:
    """How much memory PPMd gets for texts of `length` bytes, in bytes: enough to forget nothing, up to a gibibyte."""
    return min(max(length * ROOM, _LEAST_MEMORY), MEMORY_LIMIT)


def _encoder() -> Any:
    """The class of pyppmd that encodes by variant I."""
    try:
        from pyppmd import Ppmd8Encoder
    except ImportError as error:
        raise MissingExtraError("PPMd: pyppmd is not installed; pip install 'understudy[ppmd]'") from error
    return Ppmd8Encoder


def size_by(packer: Any, pieces: Iterable[bytes]) -> int:
    """How many bytes an encoder of pyppmd that has seen nothing makes of the pieces, one after the other.

    pyppmd 1.3 never lets go of what it was given, so that all of it is given in one buffer; and it drops bytes where
    one call makes more than 32 KiB of them, so that it is given half as many.
    """
    buffer = memoryview(bytearray(_PORTION))
    size = 0
    for piece in pieces:
        for first in range(0, len(piece), _PORTION):
            portion = piece[first : first + _PORTION]
            buffer[: len(portion)] = portion
            size += len(packer.encode(buffer[: len(portion)]))
    return size + len(packer.flush(endmark=False))
