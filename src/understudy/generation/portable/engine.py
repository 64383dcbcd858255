"""The engine for CPUs: Portable 1, compiled where it was and in NumPy where not. Needs no torch."""

import ctypes
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace, by_stream
from understudy.generation.portable import compiled
from understudy.generation.portable.mirror import Drawn, Given, Mirror
from understudy.generation.portable.packing import Matrix, Numbers, Packed, pack
from understudy.generation.sampling import Floats, Sampling
from understudy.model.config import GATES, STATES
from understudy.model.file import ModelFile

_CHOICE = np.dtype([("temperature", np.float64), ("top_p", np.float64), ("top_k", np.uint32), ("space", np.uint32)])


class PortableEngine:
    """Writes with a model file; a copy, and one that was pickled, make their own of what the library reads."""

    def __init__(self, model: ModelFile, *, numbers: Numbers = "float32", threads: int = 0) -> None:
        """Take the model, the numbers of its products, and how many cores a step may use (0 for all of them).

        Raises:
            ConfigError: `UNDERSTUDY_KERNELS` names a path that is not to be had here.
        """
        self.path = compiled.path()
        self._packed: Packed = pack(model, numbers)
        self._threads = threads or cores()
        self._runner = self._made()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_runner"}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__dict__.update(kept)
        self.path = compiled.path()
        self._runner = self._made()

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        widths = (width for part in self._packed.config.state_widths for width in part)
        return tuple(np.zeros((streams, width), np.float32) for width in widths)

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        return self.trace(ids, state, Trace())

    def trace(self, ids: NDArray[np.integer[Any]], state: EngineState, trace: Trace) -> tuple[Floats, EngineState]:
        """`read`, which keeps of every step what `trace` has room for."""
        logits = np.zeros((ids.shape[1], self._packed.config.vocabulary), np.float32)
        _, logits, state = self._runner.run(logits, state, Given(np.asarray(ids, np.int64)), trace)
        return logits, state

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
        trace: Trace | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Draw and step in turn, once for each row of the uniform numbers (T, B): ids (T, B), logits, state.

        There is one setting for all streams, or one for each; `trace` keeps what it has room for.
        """
        return self._runner.run(logits, state, Drawn(uniforms, by_stream(sampling, len(logits))), trace)

    def _made(self) -> "Mirror | _Compiled":
        number = compiled.number_of(self.path)
        return Mirror(self._packed) if number is None else _Compiled(self._packed, number, self._threads)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Compiled:
    """A packed model as the library reads it. `Mirror` says what its functions do."""

    def __init__(self, packed: Packed, path: int, threads: int) -> None:
        config, self._threads = packed.config, threads
        self._symbols = config.vocabulary
        self._shape = config.layers, config.units
        gates = [config.units] * GATES[config.cell]
        self._kept: list[Any] = [packed.inputs, packed.ngrams]
        self._model = model = compiled.CModel(
            path,
            packed.numbers == "int8",
            STATES[config.cell] == 2,
            packed.input_weight is not None,
            config.vocabulary,
            config.embedding,
            config.units,
            config.layers,
            config.ngrams,
            config.ngram_width,
        )
        model.inputs, model.input_scales = _address(packed.inputs.rows), _address(packed.inputs.scales)
        if packed.input_weight:
            self._arrange(packed.input_weight, gates, model.input)
            if packed.input_weight.scales is not None:  # the bias comes after the symbol's scale
                arranged = self._kept[-1]
                model.input_bias, arranged.late = _address(arranged.bias), arranged.bias
                arranged.bias = np.zeros_like(arranged.bias)
                model.input.bias = _address(arranged.bias)
        if packed.ngrams:
            model.codes, model.ngram_weight = _address(packed.ngrams.codes), _address(packed.ngrams.weight)
            model.table, model.table_scales = _address(packed.ngrams.table.rows), _address(packed.ngrams.table.scales)
        model.layers = (type(model.input) * config.layers)()
        for layer, matrix in enumerate(packed.layers):
            above = gates if layer + 1 < config.layers else [config.vocabulary]
            self._arrange(matrix, [*gates, *above], model.layers[layer])

    def run(
        self,
        logits: Floats,
        state: EngineState,
        symbols: Given | Drawn,
        trace: Trace | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Mirror.run`."""
        after = np.array(logits, np.float32, order="C")
        states = tuple(np.array(part, np.float32, order="C") for part in state)
        T, B = symbols.shape
        ids = np.empty((T, B), np.int64)
        parts = (ctypes.c_void_p * len(states))(*(part.ctypes.data for part in states))
        call = compiled.CRun(
            T=T, B=B, threads=self._threads, logits=after.ctypes.data, state=parts, ids=ids.ctypes.data
        )
        if isinstance(symbols, Given):
            given = np.ascontiguousarray(symbols.ids)
            call.given = given.ctypes.data
        else:
            uniforms, choices = np.ascontiguousarray(symbols.uniforms), self._choices(symbols.settings)
            call.uniforms, call.choices = uniforms.ctypes.data, choices.ctypes.data
        if trace is not None:
            call.every_logits = _room(trace.logits, (T, B, self._symbols))
            call.every_hidden = _room(trace.hidden, (T, self._shape[0], B, self._shape[1]))
        if T:
            compiled.run(self._model, call)
        return ids, after, states

    def _choices(self, settings: Sequence[Sampling]) -> NDArray[Any]:
        """The settings as the library reads them; `Choice` of draw.h."""
        choices = np.zeros(len(settings), _CHOICE)
        for row, setting in enumerate(settings):
            top_k = min(setting.top_k or 0, self._symbols)
            choices[row] = setting.temperature, setting.top_p or 0.0, top_k, 0
        return choices

    def _arrange(self, matrix: Matrix, segments: Sequence[int], to: Any) -> None:
        arranged = compiled.Arranged(self._model.path, matrix.rows, matrix.scales, matrix.bias, segments)
        arranged.fill(to)
        self._kept.append(arranged)


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _room(array: Floats | None, shape: tuple[int, ...]) -> int | None:
    if array is None:
        return None
    assert array.shape == shape, "there is room for every step"
    assert array.dtype == np.float32, "there is room for float32"
    assert array.flags.c_contiguous, "step lies by step"
    return array.ctypes.data
