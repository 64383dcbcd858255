"""What the engine's thread reads in a turn, for one model."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.stream import state_in
from understudy.model.config import ModelConfig
from understudy.serving.limits import Limits
from understudy.serving.prefixes import Place, Prefixes
from understudy.serving.readings import Reading
from understudy.serving.tickets import charge

_SECONDS = 0.012
"""Of a turn for reading: those who write wait for them."""
_SIDE_BY_SIDE = 16
"""So many texts are read side by side."""


class Reader:
    """Texts that are to be read."""

    def __init__(self, engine: PortableEngine, config: ModelConfig, limits: Limits) -> None:
        self._engine, self._config, self._limits = engine, config, limits
        self._prefixes = Prefixes(limits.states)
        self.readings: list[Reading] = []

    def add(self, reading: Reading) -> None:
        """Take on a text."""
        reading.begin(self._prefixes)
        self.readings.append(reading)

    def let_go(self, gone: Callable[[Any], bool]) -> None:
        """Forget the texts of requests that are gone."""
        self.readings = [reading for reading in self.readings if not gone(reading.ticket)]

    def read(self) -> None:
        """Read for a while, for those first who have had least."""
        until = time.perf_counter() + _SECONDS
        while self.readings:
            self._finish_read()
            waiting = sorted(self.readings, key=lambda reading: reading.ticket.cost)
            if not waiting or time.perf_counter() >= until:
                return
            first = waiting[0]
            kind = len(first.slice()), first.watched, first.hidden
            together = [r for r in waiting if (len(r.slice()), r.watched, r.hidden) == kind][:_SIDE_BY_SIDE]
            if first.watched:
                together = together[: max(1, self._limits.logits // (kind[0] * self._config.vocabulary))]
            self._read(together)

    def _finish_read(self) -> None:
        done = [reading for reading in self.readings if reading.done]
        self.readings = [reading for reading in self.readings if not reading.done]
        for reading in done:
            reading.end()

    def _read(self, together: list[Reading]) -> None:
        began = time.perf_counter()
        ids = np.stack([reading.slice() for reading in together], 1)
        T, B = ids.shape
        logits = np.empty((T, B, self._config.vocabulary), np.float32) if together[0].watched else None
        hidden = None
        if together[0].hidden:
            hidden = np.empty((T, self._config.layers, B, self._config.units), np.float32)
        after, state = self._engine.trace(ids, self._state_of(together), Trace(logits, hidden))
        for row, reading in enumerate(together):
            layers, expected = state_in(state, after, row)
            every = None if logits is None else logits[:, row]
            reading.read(Place(expected, layers), every, None if hidden is None else hidden[:, :, row])
        charge(together, time.perf_counter() - began)

    def _state_of(self, readings: Sequence[Reading]) -> EngineState:
        state = self._engine.zero_state(len(readings))
        for row, reading in enumerate(readings):
            if reading.place is not None:
                for whole, own in zip(state, reading.place.layers, strict=True):
                    whole[row] = own
        return state
