"""A model as it is served: what the engine's thread does with it in one turn."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Floats, uniforms
from understudy.generation.stream import StreamState, side_by_side, state_in
from understudy.model.file import ModelFile
from understudy.serving.limits import Limits
from understudy.serving.pace import FIRST, Pace
from understudy.serving.prefixes import Place, Prefixes
from understudy.serving.readings import Reading
from understudy.serving.rows import Row
from understudy.serving.tickets import Outbox

_LOGITS = 1 << 21
"""So many logits are had at once at most, and stacked for one call."""
_READING = 0.012
"""Seconds of a turn for reading: those who write wait for them."""
_SIDE_BY_SIDE = 16
"""So many texts are read side by side."""


class Served:
    """A model and the work on it; all of it belongs to the engine's thread, but for what never changes.

    Attributes:
        name: what requests call it.
        path: the run folder or the file that it was read from.
        file: the model without its weights.
        vocabulary: its symbols.
        config: its shape.
        digest: names the weights that write, 16 bytes.
    """

    def __init__(self, name: str, path: Path, model: ModelFile, limits: Limits) -> None:
        """Take the model, and where it was read; its weights are packed for writing and let go."""
        self.name, self.path, self.file = name, path, replace(model, tensors={})
        self.vocabulary, self.config, self.digest = model.vocabulary, model.config, _digest(model)
        self._engine = PortableEngine(model, numbers="int8")
        self._limits, self._pace = limits, Pace()
        self.prefixes = Prefixes(limits.states)
        self._readings: list[Reading] = []
        self._rows: list[Row] = []
        self._group = max(1, min(limits.together, _LOGITS // model.config.vocabulary))

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of a stream's logits and of the parts of its state."""
        return (self.config.vocabulary, *(width for part in self.config.state_widths for width in part))

    @property
    def busy(self) -> bool:
        """Whether there is something that can be done now."""
        return bool(self._readings) or any(self._goes_on(row) for row in self._rows)

    @property
    def costs(self) -> list[float]:
        """What the requests that are under way have cost, in seconds."""
        return [work.ticket.cost for work in (*self._readings, *self._rows)]

    def add_reading(self, reading: Reading) -> None:
        """Take on a text to read."""
        reading.begin(self.prefixes)
        self._readings.append(reading)

    def add_row(self, row: Row) -> None:
        """Take on a text to write."""
        self._rows.append(row)

    def let_go(self, gone: Callable[[Any], bool]) -> None:
        """Forget the work of requests that are gone."""
        self._readings = [reading for reading in self._readings if not gone(reading.ticket)]
        self._rows = [row for row in self._rows if not gone(row.ticket)]

    def read(self) -> None:
        """Read for a while, for those first who have had least."""
        until = time.perf_counter() + _READING
        while self._readings:
            self._finish_read()
            waiting = sorted(self._readings, key=lambda reading: reading.ticket.cost)
            if not waiting or time.perf_counter() >= until:
                return
            first = waiting[0]
            kind = len(first.slice()), first.watched, first.hidden
            together = [r for r in waiting if (len(r.slice()), r.watched, r.hidden) == kind][:_SIDE_BY_SIDE]
            if first.watched:
                together = together[: max(1, _LOGITS // (kind[0] * self.config.vocabulary))]
            self._read(together)

    def _finish_read(self) -> None:
        done = [reading for reading in self._readings if reading.done]
        self._readings = [reading for reading in self._readings if not reading.done]
        for reading in done:
            reading.end()

    def _read(self, together: list[Reading]) -> None:
        began = time.perf_counter()
        ids = np.stack([reading.slice() for reading in together], 1)
        T, B = ids.shape
        logits = np.empty((T, B, self.config.vocabulary), np.float32) if together[0].watched else None
        hidden = None
        if together[0].hidden:
            hidden = np.empty((T, self.config.layers, B, self.config.units), np.float32)
        after, state = self._engine.trace(ids, self._state_of(together), Trace(logits, hidden))
        for row, reading in enumerate(together):
            layers, expected = state_in(state, after, row)
            every = None if logits is None else logits[:, row]
            reading.read(Place(expected, layers), every, None if hidden is None else hidden[:, :, row])
        self._charge(together, time.perf_counter() - began)

    def _state_of(self, readings: Sequence[Reading]) -> EngineState:
        state = self._engine.zero_state(len(readings))
        for row, reading in enumerate(readings):
            if reading.place is not None:
                for whole, own in zip(state, reading.place.layers, strict=True):
                    whole[row] = own
        return state

    def write(self, outbox: Outbox) -> None:
        """Write on for those who have had least, as many as go together."""
        rows = self._next_rows()
        if not rows:
            return
        began, B, V = time.perf_counter(), len(rows), self.config.vocabulary
        steps = min(self._pace.steps(B), max(row.left for row in rows))
        judged = any(row.judged for row in rows)
        if any(row.fresh for row in rows):
            steps = min(steps, FIRST)
        if judged:
            steps = min(steps, max(1, _LOGITS // (B * V)))
        trace = Trace(np.empty((steps, B, V), np.float32)) if judged else None
        ids, logits, layers = self._write(rows, steps, trace)
        self._pace.measured(B, steps, time.perf_counter() - began)
        for place, row in enumerate(rows):
            expected = None
            if trace is not None and trace.logits is not None and row.judged:
                expected = np.concatenate([row.place.logits[None], trace.logits[:-1, place]])
            taken = row.take(ids[:, place], expected)
            if taken == steps:
                there, after = state_in(layers, logits, place)
                row.move_to(Place(after, there), taken)
            elif row.wanted.hands_out:  # it ended on the way, and somebody wants to know where it stands
                _, after, parts = self._write([row], taken, None)
                there, after = state_in(parts, after, 0)
                row.move_to(Place(after, there), taken)
            else:
                row.move_to(row.place, taken)
            piece = row.piece()
            if piece is not None:
                outbox.put(row.ticket, piece, len(piece.text))
        self._rows = [row for row in self._rows if not row.finished]
        self._charge(rows, time.perf_counter() - began)

    def _write(self, rows: list[Row], steps: int, trace: Trace | None) -> tuple[NDArray[np.int64], Floats, EngineState]:
        states = [StreamState(row.place.layers, row.place.logits, row.seed, row.drawn) for row in rows]
        chances = np.stack([uniforms(row.seed, row.drawn, steps) for row in rows], 1)
        settings = [row.wanted.sampling for row in rows]
        return self._engine.write(*side_by_side(states), chances, settings, trace)

    def _next_rows(self) -> list[Row]:
        """Who writes now: of each request as many as its cost allows it before others."""
        going = [row for row in self._rows if self._goes_on(row)]
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

    def _charge(self, work: Sequence[Reading | Row], seconds: float) -> None:
        for each in work:
            each.ticket.cost += seconds / len(work)


def _digest(model: ModelFile) -> bytes:
    """Names the weights."""
    made = hashlib.blake2b(model.vocabulary.digest.encode(), digest_size=16)
    for name in sorted(model.tensors):
        made.update(name.encode())
        made.update(np.ascontiguousarray(model.tensors[name]).tobytes())
    return made.digest()
