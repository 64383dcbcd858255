"""A peer for benchmarks: what wrote until Understudy had an engine of its own, ONNX Runtime over the exported loop.

Its telemetry is off. It has the contract of `understudy.generation.engine.Engine`, with one setting for all streams.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.exports.graphs.loop import looping_graph, state_names
from understudy.exports.graphs.runtime import onnxruntime
from understudy.generation.engine import EngineState
from understudy.generation.portable.packing import Numbers
from understudy.generation.sampling import Floats, Sampling
from understudy.model.file import ModelFile

Kind = tuple[bool, bool, bool] | None
"""What a graph's draw is made of: no chance, top-k, top-p; None for a graph that draws nothing."""


class OnnxLoop:
    """Writes with a model file; the graph for a kind of draw is built when it is first asked for."""

    def __init__(self, model: ModelFile, *, numbers: Numbers = "float32", threads: int = 0) -> None:
        """Take the model, the numbers of its products, and how many cores a step may use (0 for all of them)."""
        self._model = model
        self._numbers: Numbers = numbers
        self._threads = threads
        self._names = state_names(model.config)
        self._sessions: dict[Kind, Any] = {}

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        widths = (width for part in self._model.config.state_widths for width in part)
        return tuple(np.zeros((streams, width), np.float32) for width in widths)

    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        logits = np.zeros((ids.shape[1], self._model.config.vocabulary), np.float32)
        _, logits, state = self._run(logits, state, None, {"given": np.asarray(ids, np.int64)})
        return logits, state

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Draw and step in turn, once for each row of the uniform numbers (T, B): ids (T, B), logits, state."""
        assert isinstance(sampling, Sampling), "all streams have one setting"
        draw: dict[str, Any] = {"uniforms": uniforms[..., None]}
        if not sampling.greedy:
            draw["temperature"] = np.array(sampling.temperature, np.float64)
            if sampling.top_k is not None:
                draw["top_k"] = np.array([min(sampling.top_k, self._model.config.vocabulary)], np.int64)
            if sampling.top_p is not None:
                draw["top_p"] = np.array(sampling.top_p, np.float64)
        return self._run(logits, state, sampling, draw)

    def _run(
        self,
        logits: Floats,
        state: EngineState,
        sampling: Sampling | None,
        choice: dict[str, Any],
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        states_0 = {f"{name}_0": part for name, part in zip(self._names, state, strict=True)}
        feed = {"logits_0": logits, **states_0, **choice}
        after, *states, ids = self._session(sampling).run(None, feed)
        return ids, after, tuple(states)

    def _session(self, sampling: Sampling | None) -> Any:
        kind = None if sampling is None else (sampling.greedy, sampling.top_k is not None, sampling.top_p is not None)
        if kind not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.log_severity_level = 3
            with np.errstate(all="ignore"):  # weights may be finite and their sums not: what comes of them is looked at
                graph = looping_graph(self._model.config, self._model.tensors, self._numbers, sampling)
            self._sessions[kind] = onnxruntime.InferenceSession(
                graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[kind]
