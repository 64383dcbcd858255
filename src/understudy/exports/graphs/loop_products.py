"""The matrix products of a step, in float32 or with numbers of eight bits."""

import numpy as np

from understudy.exports.graphs.nodes import MICROSOFT, Nodes
from understudy.generation.portable.arithmetic import LEVELS, STATE_LEVELS, Floats
from understudy.generation.portable.packing import Numbers


class Product:
    """x ↦ x Wᵀ + b for x (B, K), W (N, K) and b (N,), to be added to a graph as often as wanted.

    In eight bits, each row of W has its own scale, and x has a fixed one: it is the output of a recurrent layer, which
    lies between -1 and 1. So the sums are sums of whole numbers, exact in any order and on any processor, and a
    stream's product does not depend on the streams beside it; a scale measured on the batch, or sums in floating point,
    would not promise that.
    """

    def __init__(self, constants: Nodes, kind: Numbers, name: str, weight: Floats, bias: Floats) -> None:
        """Put the matrix among the constants, under names that begin with `name`."""
        self._kind = kind
        self._name = name
        self._bias = constants.constant(f"{name}_bias", bias)
        if kind == "float32":
            self._matrix = constants.constant(f"{name}_matrix", np.ascontiguousarray(weight.T))
            return
        scales = np.maximum(np.abs(weight).max(1) / LEVELS, np.finfo(np.float32).tiny).astype(np.float32)
        rounded = np.rint(weight / scales[:, None]).astype(np.int8).T
        self._matrix = constants.constant(f"{name}_matrix", np.ascontiguousarray(rounded))
        self._scales = constants.constant(f"{name}_scales", scales)
        self._step = constants.constant(f"{name}_step", np.array(1 / STATE_LEVELS, np.float32))
        self._middle = constants.constant(f"{name}_middle", np.array(STATE_LEVELS, np.uint8))

    def add(self, nodes: Nodes, x: str, out: str) -> str:
        """Add the product with x; the result's name."""
        if self._kind == "float32":
            return nodes.op("Gemm", [x, self._matrix, self._bias], out)
        whole = nodes.op("QuantizeLinear", [x, self._step, self._middle], f"{out}_in")
        inputs = [whole, self._matrix, self._step, self._scales, self._middle, "", self._bias]
        return nodes.op("MatMulIntegerToFloat", inputs, out, domain=MICROSOFT)
