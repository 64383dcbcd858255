"""The engine for CPUs: ONNX Runtime over a graph made from the model's weights. Needs no torch."""

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Floats
from understudy.generation.step_graph import state_names, step_graph
from understudy.model.file import ModelFile


class OnnxEngine:
    """Steps streams of a model file in float32."""

    def __init__(self, model: ModelFile, *, threads: int = 0) -> None:
        """Build the graph; `threads` is how many cores a step may use, 0 for all of them."""
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        graph = step_graph(model.config, model.tensors).SerializeToString()
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._names = state_names(model.config)
        self._units = model.config.units

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        return tuple(np.zeros((streams, self._units), np.float32) for _ in self._names)

    def step(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (B,) and the state before them give logits (B, V) and the state after them."""
        feed = dict(zip(self._names, state, strict=True)) | {"ids": np.asarray(ids, np.int64)}
        logits, *after = self._session.run(None, feed)
        return logits, tuple(after)
