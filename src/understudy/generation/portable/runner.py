"""A packed model in the compiled library: it does what `mirror.py` does, to the last bit."""

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace
from understudy.generation.forbidden import Forbidden
from understudy.generation.portable import compiled
from understudy.generation.portable.arranged import Arranged
from understudy.generation.portable.mirror import Drawn, Given
from understudy.generation.portable.packing import Packed
from understudy.generation.sampling import Floats, Sampling
from understudy.model.config import GATES, STATES

_CHOICE = np.dtype([("temperature", np.float64), ("top_p", np.float64), ("top_k", np.uint32), ("space", np.uint32)])


class Runner:
    """A packed model, laid out for a path. `Mirror` says what its functions do."""

    def __init__(self, packed: Packed, path: int, threads: int) -> None:
        config = packed.config
        self._threads, self._symbols, self._shape = threads, config.vocabulary, (config.layers, config.units)
        gates = [config.units] * GATES[config.cell]
        above = [*[gates] * (config.layers - 1), [config.vocabulary]]
        self._layers = [
            Arranged(path, matrix, [*gates, *more]) for matrix, more in zip(packed.layers, above, strict=True)
        ]
        self._input = None if packed.input_weight is None else Arranged(path, packed.input_weight, gates)
        self._rest = replace(packed, input_weight=None, layers=())  # what is read as it was packed
        self._model = self._told(path)

    def packed(self) -> Packed:
        """The model, packed, as it was given."""
        weight = None if self._input is None else self._input.matrix()
        return replace(self._rest, input_weight=weight, layers=tuple(layer.matrix() for layer in self._layers))

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
            if symbols.forbidden is not None:
                forbidden = _forbidden(symbols.forbidden, stuck := np.zeros(1, np.int64))
                call.forbidden = ctypes.pointer(forbidden)
        if trace is not None:
            call.every_logits = _room(trace.logits, (T, B, self._symbols))
            call.every_hidden = _room(trace.hidden, (T, self._shape[0], B, self._shape[1]))
        if T:
            compiled.run(self._model, call)
        if isinstance(symbols, Drawn) and symbols.forbidden is not None and stuck.any():
            raise symbols.forbidden.nothing_left()
        return ids, after, states

    def _choices(self, settings: Sequence[Sampling]) -> NDArray[Any]:
        """The settings as the library reads them; `Choice` of draw.h."""
        choices = np.zeros(len(settings), _CHOICE)
        for row, setting in enumerate(settings):
            top_k = min(setting.top_k or 0, self._symbols)
            choices[row] = setting.temperature, setting.top_p or 0.0, top_k, 0
        return choices

    def _told(self, path: int) -> compiled.CModel:
        """What the library is told of the model."""
        packed = self._rest
        config, whole = packed.config, packed.numbers == "int8"
        model = compiled.CModel(
            path, whole, STATES[config.cell] == 2, self._input is not None, config.vocabulary, config.embedding
        )
        model.H, model.L, model.R, model.D = config.units, config.layers, config.ngrams, config.ngram_width
        model.inputs, model.input_scales = _address(packed.inputs.rows), _address(packed.inputs.scales)
        if self._input is not None:
            self._no_bias = np.zeros_like(self._input.bias)  # whole numbers get it after the symbol's scale
            self._input.fill(model.input, self._no_bias if whole else None)
            model.input_bias = _address(self._input.bias)
        if packed.ngrams:
            table = packed.ngrams.table
            model.codes, model.ngram_weight = _address(packed.ngrams.codes), _address(packed.ngrams.weight)
            model.table, model.table_scales = _address(table.rows), _address(table.scales)
        model.layers = (compiled.CMatrix * config.layers)()
        for place, layer in enumerate(self._layers):
            layer.fill(model.layers[place])
        return model


def _forbidden(runs: Forbidden, stuck: NDArray[np.int64]) -> compiled.CForbidden:
    hashes, before = runs.grams.hashes, runs.before
    return compiled.CForbidden(
        runs.grams.length, len(hashes), hashes.ctypes.data, before.ctypes.data, stuck.ctypes.data, runs.grams.base
    )


def _address(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def _room(array: Floats | None, shape: tuple[int, ...]) -> int | None:
    if array is None:
        return None
    assert array.shape == shape, "there is room for every step"
    assert array.dtype == np.float32, "there is room for float32"
    assert array.flags.c_contiguous, "step lies by step"
    return array.ctypes.data
