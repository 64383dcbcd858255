"""The engine for CPUs: Portable 1, compiled where it was and in NumPy where not. Needs no torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace, by_stream
from understudy.generation.forbidden import Forbidden
from understudy.generation.portable import compiled
from understudy.generation.portable.mirror import Drawn, Given, Mirror
from understudy.generation.portable.packing import Numbers, Packed, pack
from understudy.generation.portable.runner import Runner
from understudy.generation.sampling import Floats, Sampling
from understudy.model.cores import cores
from understudy.model.file import ModelFile


class PortableEngine:
    """Writes with a model file; a copy, and one that was pickled, make their own of what the library reads."""

    def __init__(
        self, model: ModelFile, *, numbers: Numbers = "float32", threads: int = 0, fused: bool = False
    ) -> None:
        """Take the model, the numbers of its products, and how many cores a step may use (0 for all of them).

        With `fused`, products in float32 are not those of Portable 1 to the last bit, and half as fast again where the
        processor has what that takes: for texts that are scored, not written.

        Raises:
            ConfigError: `UNDERSTUDY_KERNELS` names a path that is not to be had here.
        """
        self._threads, self._fused = threads, fused and numbers == "float32"
        self._use(pack(model, numbers))

    def _use(self, packed: Packed) -> None:
        self.path = compiled.path()
        self._config, number = packed.config, compiled.number_of(self.path)
        if number is None:
            self._runner: Mirror | Runner = Mirror(packed)
        else:
            number = compiled.fused(number) if self._fused else number
            self._runner = Runner(packed, number, self._threads or cores())

    def __getstate__(self) -> tuple[Packed, int, bool]:
        return self._runner.packed(), self._threads, self._fused

    def __setstate__(self, kept: tuple[Packed, int, bool]) -> None:
        packed, self._threads, self._fused = kept
        self._use(packed)

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        widths = (width for part in self._config.state_widths for width in part)
        return tuple(np.zeros((streams, width), np.float32) for width in widths)

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        return self.trace(ids, state, Trace())

    def trace(self, ids: NDArray[np.integer[Any]], state: EngineState, trace: Trace) -> tuple[Floats, EngineState]:
        """`read`, which keeps of every step what `trace` has room for."""
        assert ids.min(initial=0) >= 0, "an id is in the vocabulary"
        assert ids.max(initial=0) < self._config.vocabulary, "an id is in the vocabulary"
        logits = np.zeros((ids.shape[1], self._config.vocabulary), np.float32)
        _, logits, state = self._runner.run(logits, state, Given(np.asarray(ids, np.int64)), trace)
        return logits, state

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
        trace: Trace | None = None,
        *,
        forbidden: Forbidden | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Engine.write`; `trace` keeps what it has room for."""
        drawn = Drawn(uniforms, by_stream(sampling, len(logits)), forbidden)
        return self._runner.run(logits, state, drawn, trace)
