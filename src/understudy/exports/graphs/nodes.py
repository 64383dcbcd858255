"""Nodes and constants of an ONNX graph under construction."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""


class Nodes:
    """Nodes and constants, each named by what it gives."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def op(self, kind: str, inputs: list[str], out: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output; its name."""
        self.nodes.append(helper.make_node(kind, inputs, [out], domain=domain, **attributes))
        return out

    def split(self, x: str, sizes: list[int]) -> list[str]:
        """Cut the last axis into pieces; their names."""
        outputs = [f"{x}_part{place}" for place in range(len(sizes))]
        lengths = self.constant(f"{x}_sizes", np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [x, lengths], outputs, axis=-1))
        return outputs

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant; its name."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name
