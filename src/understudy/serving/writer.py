"""What the engine's thread writes in a turn, for one model."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Floats
from understudy.generation.stream import StreamState, side_by_side
from understudy.serving.limits import Limits
from understudy.serving.pace import FIRST, Pace
from understudy.serving.rows import Row
from understudy.serving.tickets import Outbox, charge

_BETWEEN = 0.005
"""For each text that is written at a time, so many seconds lie between two pieces of one: sending costs time too."""


class Writer:
    """Texts that are being written, for a vocabulary of V symbols."""

    def __init__(self, engine: PortableEngine, symbols: int, limits: Limits) -> None:
        self._engine, self._symbols, self._limits, self._pace = engine, symbols, limits, Pace()
        self.rows: list[Row] = []
        self._together: tuple[list[Row], Floats, EngineState] = ([], np.zeros((0, 0), np.float32), ())
        """Who was written for last, and where they stand."""
        self._group = max(1, min(limits.together, limits.logits // symbols))

    @property
    def busy(self) -> bool:
        """Whether anything can be written now."""
        return any(self._goes_on(row) for row in self.rows)

    def let_go(self, gone: Callable[[Any], bool]) -> None:
        """Forget the texts of requests that are gone."""
        self.rows = [row for row in self.rows if not gone(row.ticket)]

    def write(self, outbox: Outbox) -> None:
        """Write on for those who have had least, as many as go together."""
        rows = self._next_rows()
        if not rows:
            return
        began, B, V = time.perf_counter(), len(rows), self._symbols
        steps = min(self._pace.steps(B), max(row.left for row in rows))
        judged = any(row.judged for row in rows)
        if any(row.fresh for row in rows):
            steps = min(steps, FIRST)
        if judged:
            steps = min(steps, max(1, self._limits.logits // (B * V)))
        trace = Trace(np.empty((steps, B, V), np.float32)) if judged else None
        ids, logits, layers = self._write(rows, steps, trace)
        now = time.perf_counter()
        self._pace.measured(B, steps, now - began)
        for place, row in enumerate(rows):
            expected = None
            if trace is not None and trace.logits is not None and row.judged:
                expected = np.concatenate([row.place.logits[None], trace.logits[:-1, place]])
            fresh = row.fresh
            taken = row.take(ids[:, place], expected)
            if taken < steps and row.wanted.hands_out:  # it ended on the way: where does it stand?
                _, after, parts = self._write([row], taken, None)
                row.move_to(after, parts, 0, taken)
            else:
                row.move_to(logits, layers, place, taken)
            if row.finished or (row.streamed and (fresh or now >= row.due)):
                piece = row.piece()
                if piece is not None:
                    outbox.put(row.ticket, piece, len(piece.text))
                    row.due = now + _BETWEEN * B
        self.rows = [row for row in self.rows if not row.finished]
        self._together = (rows, logits, layers)
        charge(rows, time.perf_counter() - began)

    def _write(self, rows: list[Row], steps: int, trace: Trace | None) -> tuple[NDArray[np.int64], Floats, EngineState]:
        chances = np.stack([row.chances(steps) for row in rows], 1)
        settings = [row.wanted.sampling for row in rows]
        before, logits, layers = self._together
        if rows != before:
            states = [StreamState(row.place.layers, row.place.logits, row.seed) for row in rows]
            logits, layers = side_by_side(states)
        return self._engine.write(logits, layers, chances, settings, trace)

    def _next_rows(self) -> list[Row]:
        """Who writes now: of each request as many as its cost allows it before others."""
        going = [row for row in self.rows if self._goes_on(row)]
        if len(going) <= self._group:
            return going
        share, before = self._pace.step_seconds(self._group), dict[int, int]()
        ranked = []
        for place, row in enumerate(going):
            number = before[id(row.ticket)] = before.get(id(row.ticket), 0) + 1
            ranked.append((row.ticket.cost + number * share, place))
        return [going[place] for _, place in sorted(ranked)[: self._group]]

    def _goes_on(self, row: Row) -> bool:
        return row.ticket.unread < self._limits.unread or not row.streamed
