"""Nats of every symbol of a text, in one pass of the engine that writes."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.evaluation.lanes import lanes
from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Floats
from understudy.text.encoded import Ids

_LONGEST, _LARGEST = 256, 1 << 20
"""So many symbols of each lane, and so many logits, are made at a time."""
_PARTS, _SHORTEST_PART, _WARM = 6, 8192, 1000
"""A lane is read in so many parts at most, of so many symbols at least; each reads so many symbols before its own."""
_SIDE_BY_SIDE, _SORTED = 64, 1 << 16
"""So many lines are read side by side, of lines with so many symbols in all, which are sorted by length."""


class Likeliest(NamedTuple):
    """What the model thought the likeliest at N places.

    Attributes:
        ids: K symbols, the likeliest first, (N, K).
        probabilities: theirs, (N, K).
    """

    ids: NDArray[np.int64]
    probabilities: Floats


class Scored(NamedTuple):
    """What the model made of N symbols in a row.

    Attributes:
        place: where the first of them stands in the text.
        nats: how surprising each was, (N,).
        likeliest: what it would rather have had there; None where it was not asked.
    """

    place: int
    nats: Floats
    likeliest: Likeliest | None


class Scorer:
    """Scores texts with an engine for a vocabulary of V symbols."""

    def __init__(self, engine: PortableEngine, symbols: int, alternatives: int = 0) -> None:
        """Take the engine, V, and how many of the likeliest symbols of each place are wanted."""
        self._engine, self._symbols, self._alternatives = engine, symbols, min(alternatives, symbols)

    def carried(self, ids: Ids) -> Iterator[Scored]:
        """Score a text with the state carried through it, as `evaluate` does: all symbols but the first.

        It is read in the lanes of `evaluation.lanes`, so what comes is not in the order of the text. A long lane is
        read in parts side by side, each with the state that a thousand symbols before it give.
        """
        if len(ids) < 2:
            return
        cut = lanes(len(ids) - 1)
        parts = max(1, min(_PARTS, cut.length // _SHORTEST_PART))
        length, rest = divmod(cut.length, parts)
        starts = (cut.starts[:, None] + np.arange(parts, dtype=np.int64) * length).ravel()
        state = yield from self._lanes(ids, starts, length, self._warm(ids, starts, parts))
        ends = starts[parts - 1 :: parts] + length
        state = yield from self._lanes(ids, ends, rest, tuple(part[parts - 1 :: parts] for part in state))
        yield from self._lanes(ids, ends[-1:] + rest, cut.tail, tuple(part[-1:] for part in state))

    def _warm(self, ids: Ids, starts: NDArray[np.int64], parts: int) -> EngineState:
        """The state of each part of a lane as it begins: the first of a lane has read nothing."""
        state = self._engine.zero_state(len(starts))
        later = np.arange(len(starts), dtype=np.int64) % parts > 0
        if later.any():
            before = ids.gather(starts[later] - _WARM, _WARM)
            _, warm = self._engine.read(before, self._engine.zero_state(before.shape[1]))
            for whole, read in zip(state, warm, strict=True):
                whole[later] = read
        return state

    def _lanes(
        self, ids: Ids, starts: NDArray[np.int64], length: int, state: EngineState
    ) -> Generator[Scored, None, EngineState]:
        """Score `length` symbols after each of `starts`; the state after them."""
        for begin, nats, likeliest, after in self._passes(ids, starts, length, state):
            state = after
            for lane, start in enumerate(starts.tolist()):
                yield Scored(start + begin + 1, nats[:, lane], _lane(likeliest, lane))
        return state

    def fresh(self, lines: Iterable[NDArray[np.integer[Any]]], before: int) -> Iterator[Scored]:
        """Score lines, each as if it were the first: all of its symbols, in the order of the lines.

        Args:
            lines: ids (N,) of each; some may have none, which give nothing.
            before: the id that is read before each of them, such as a line's end.
        """
        place, length, some = 0, 0, list[NDArray[np.integer[Any]]]()
        for line in lines:
            some.append(line)
            length += len(line)
            if max(length, len(some)) >= _SORTED:
                yield from self._in_order(some, before, place)
                place, length, some = place + length, 0, []
        yield from self._in_order(some, before, place)

    def _in_order(self, lines: list[NDArray[np.integer[Any]]], before: int, place: int) -> Iterator[Scored]:
        found: list[list[Scored]] = [[] for _ in lines]
        by_length = sorted((number for number, line in enumerate(lines) if len(line)), key=lambda n: -len(lines[n]))
        for first in range(0, len(by_length), _SIDE_BY_SIDE):
            numbers = by_length[first : first + _SIDE_BY_SIDE]
            for lane, scored in self._side_by_side([lines[number] for number in numbers], before):
                found[numbers[lane]].append(scored)
        for line, parts in zip(lines, found, strict=True):
            yield from (scored._replace(place=place + scored.place) for scored in parts)
            place += len(line)

    def _side_by_side(self, lines: list[NDArray[np.integer[Any]]], before: int) -> Iterator[tuple[int, Scored]]:
        """Score lines, the longest first; ended ones are read no further. Pieces, with their line's number."""
        state, begin = self._engine.zero_state(len(lines)), 0
        while lines := [line for line in lines if len(line) > begin]:
            end = begin + min(self._steps(len(lines)), len(lines[0]) - begin)
            block = np.full((end - begin + 1, len(lines)), before, np.int64)
            for lane, line in enumerate(lines):
                first = max(0, begin - 1)
                part = line[first:end]
                block[first + 1 - begin :][: len(part), lane] = part
            nats, likeliest, state = self._read(block, tuple(part[: len(lines)] for part in state))
            for lane, line in enumerate(lines):
                own = min(len(line), end) - begin
                best = _lane(likeliest, lane)
                if best is not None:
                    best = Likeliest(best.ids[:own], best.probabilities[:own])
                yield lane, Scored(begin, nats[:own, lane], best)
            begin = end

    def _passes(
        self, ids: Ids, starts: NDArray[np.int64], length: int, state: EngineState
    ) -> Iterator[tuple[int, Floats, Likeliest | None, EngineState]]:
        steps = self._steps(len(starts))
        for begin in range(0, length, steps):
            block = ids.gather(starts + begin, min(steps, length - begin) + 1)
            nats, likeliest, state = self._read(block, state)
            yield begin, nats, likeliest, state

    def _read(self, block: NDArray[np.int64], state: EngineState) -> tuple[Floats, Likeliest | None, EngineState]:
        """Nats of the symbols (T + 1, B) after the first of each lane, (T, B), what was likeliest, the state after."""
        T, B = len(block) - 1, block.shape[1]
        logits = np.empty((T, B, self._symbols), np.float32)
        _, state = self._engine.trace(block[:-1], state, Trace(logits=logits))
        nats, likeliest = surprise_in(logits.reshape(T * B, -1), block[1:].reshape(-1), self._alternatives)
        if likeliest is not None:
            likeliest = Likeliest(likeliest.ids.reshape(T, B, -1), likeliest.probabilities.reshape(T, B, -1))
        return nats.reshape(T, B), likeliest, state

    def _steps(self, lanes_: int) -> int:
        return max(1, min(_LONGEST, _LARGEST // (lanes_ * self._symbols)))


def surprise_in(logits: Floats, ids: NDArray[np.integer[Any]], alternatives: int) -> tuple[Floats, Likeliest | None]:
    """Nats of N symbols (N,) where logits (N, V) were expected, and the likeliest where any are wanted.

    A place's figures do not depend on the others. The logits are used up.
    """
    expected = np.take_along_axis(logits, ids[:, None], 1)[:, 0]
    highest = logits.max(1)
    logits -= highest[:, None]
    likeliest = None
    if alternatives:
        likeliest = np.argpartition(logits, -alternatives, 1)[:, -alternatives:]
        kept = np.take_along_axis(logits, likeliest, 1)
    np.exp(logits, out=logits)
    sums = logits.sum(1, dtype=np.float64)
    nats = (np.log(sums) - (expected - highest)).astype(np.float32)
    if likeliest is None:
        return nats, None
    order = np.argsort(-kept, 1, kind="stable")
    shares = (np.exp(np.take_along_axis(kept, order, 1)) / sums[:, None]).astype(np.float32)
    return nats, Likeliest(np.take_along_axis(likeliest, order, 1), shares)


def _lane(likeliest: Likeliest | None, lane: int) -> Likeliest | None:
    return None if likeliest is None else Likeliest(likeliest.ids[:, lane], likeliest.probabilities[:, lane])
