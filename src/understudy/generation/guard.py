"""An engine that never writes so many symbols in a row as they stand in a given text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.generation.engine import Engine, EngineState, by_stream
from understudy.generation.sampling import Floats, Sampling
from understudy.text.grams import Grams

_FIRST, _LARGEST = 8, 256
"""So many symbols are written before they are looked at: what comes after a copy is thrown away. Where one was, another
is not to be expected before a whole run has been written, and then soon."""
_NONE = -1


class GuardedEngine:
    """Writes as the engine that it is given, and where the last symbol of a copied run was drawn, draws again.

    The symbol is drawn from the others then, with the same random number, so the same seed gives the same text, alone
    or among others. A state has one part more: the last symbols, (B, length - 1), -1 for none.
    """

    def __init__(self, engine: Engine, grams: Grams) -> None:
        """Take the engine, and the runs that it is not to write."""
        self._engine, self._grams = engine, grams
        self._before, self._size, self._copied = grams.length - 1, _LARGEST, False

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        return (*self._engine.zero_state(streams), np.full((streams, self._before), _NONE, np.float32))

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        logits, after = self._engine.read(ids, state[:-1])
        return logits, (*after, self._recent(state[-1], ids))

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Draw and step in turn, once for each row of the uniform numbers (T, B): ids (T, B), logits, state.

        Raises:
            ConfigError: whatever symbol is drawn completes a copied run.
        """
        settings, pieces, done = by_stream(sampling, len(logits)), [np.zeros((0, len(logits)), np.int64)], 0
        while done < len(uniforms):
            chances = uniforms[done : done + self._size]
            ids, expected, after = self._engine.write(logits, state[:-1], chances, settings)
            copying = [row for row in range(len(settings)) if self._first_copy(state[-1][row], ids[:, row]) is not None]
            if copying and len(settings) == 1:  # nothing after it stays, and nobody else waits: begin anew from there
                upto = 1 + (self._first_copy(state[-1][0], ids[:, 0]) or 0)
                ids, chances = ids[:upto], chances[:upto]
            before, drawn, least = (logits, state), ids, _LARGEST
            ids, logits, state = ids.copy(), expected.copy(), (*map(np.array, after), self._recent(state[-1], ids))
            for row in copying:
                there = _row(before[0], row), tuple(_row(part, row) for part in before[1])
                found = self._redrawn(*there, drawn[:, row : row + 1], chances[:, row : row + 1], settings[row])
                ids[:, row : row + 1], logits[row : row + 1], parts, since = found
                least = min(least, self._before - since)
                for part, own in zip(state, parts, strict=True):
                    part[row : row + 1] = own
            self._size = max(_FIRST, least) if copying else _FIRST if self._copied else min(2 * self._size, _LARGEST)
            self._copied = bool(copying)
            pieces.append(ids)
            done += len(ids)
        return np.concatenate(pieces), logits, state

    def _redrawn(
        self,
        logits: Floats,
        state: EngineState,
        ids: NDArray[np.int64],
        chances: NDArray[np.float64],
        setting: Sampling,
    ) -> tuple[NDArray[np.int64], Floats, EngineState, int]:
        """`write` for one stream that has drawn ids (T, 1) with a copy, and how many came after the last redrawn."""
        pieces: list[NDArray[np.int64]] = []
        while (copied := self._first_copy(state[-1][0], ids[:, 0])) is not None:
            if copied:
                logits, state = self.read(ids[:copied], state)
            other = self._other(logits, state[-1][0], int(ids[copied, 0]), chances[copied], setting)
            chosen = np.array([[other]], np.int64)
            pieces += [ids[:copied], chosen]
            logits, state = self.read(chosen, state)
            chances = chances[copied + 1 :]
            ids = np.zeros((0, 1), np.int64)
            if len(chances):
                ids, expected, after = self._engine.write(logits, state[:-1], chances, setting)
        if len(ids):
            logits, state = expected, (*after, self._recent(state[-1], ids))
        return np.concatenate([*pieces, ids]), logits, state, len(ids)

    def _other(self, logits: Floats, recent: Floats, drawn: int, chance: NDArray[np.float64], setting: Sampling) -> int:
        """A symbol that completes no copied run, drawn in the place of one that does."""
        left = logits.copy()
        while True:
            left[0, drawn] = -np.inf
            if not np.isfinite(left).any():
                raise ConfigError(
                    f"--no-copies {self._grams.length}: whatever is written next completes a run of so many symbols "
                    f"that stands in the text; give a larger number"
                )
            drawn = int(setting.draw(left, chance)[0])
            if self._first_copy(recent, np.array([drawn], np.int64)) is None:
                return drawn

    def _first_copy(self, recent: Floats, ids: NDArray[np.int64]) -> int | None:
        """Which of a stream's ids (T,) is the first to complete a copied run; None where none does."""
        row = np.concatenate([recent[recent != _NONE].astype(np.int64), ids])
        begins = np.flatnonzero(self._grams.begin(row))
        return int(begins[0]) + self._before - (len(row) - len(ids)) if len(begins) else None

    def _recent(self, recent: Floats, ids: NDArray[np.integer[Any]]) -> Floats:
        rows = np.concatenate([recent, ids.T.astype(np.float32)], 1)
        return rows[:, rows.shape[1] - self._before :]


def _row(array: NDArray[Any], row: int) -> NDArray[Any]:
    return array[row : row + 1]
