"""The matrix products of a step, in float32 or with numbers of eight bits."""

from typing import Literal

import numpy as np

from understudy.generation.nodes import MICROSOFT, Nodes
from understudy.generation.sampling import Floats

Product = Literal["float32", "int8"]
PRODUCTS: tuple[Product, ...] = ("float32", "int8")
LEVELS = 127


def add_product(nodes: Nodes, kind: Product, x: str, name: str, weight: Floats, out: str) -> str:
    """Add x Wᵀ for x (B, K) and W (N, K) to a graph; the result's name.

    In eight bits, each row of W has its own scale, and x has a fixed one: it is the output of a recurrent layer, which
    lies between -1 and 1. So the sums are sums of whole numbers, exact in any order, and a stream's product does not
    depend on the streams beside it; a scale measured on the batch, or sums in floating point, would not promise that.
    """
    if kind == "float32":
        return nodes.op("MatMul", [x, nodes.constant(name, np.ascontiguousarray(weight.T))], out)
    scales = np.maximum(np.abs(weight).max(1) / LEVELS, np.finfo(np.float32).tiny).astype(np.float32)
    rounded = np.rint(weight / scales[:, None]).astype(np.int8).T
    step = nodes.constant(f"{out}_step", np.array(1 / LEVELS, np.float32))
    middle = nodes.constant(f"{out}_middle", np.array(128, np.uint8))
    whole = nodes.op("QuantizeLinear", [x, step, middle], f"{out}_in")
    matrix = nodes.constant(f"{name}_int8", np.ascontiguousarray(rounded))
    inputs = [whole, matrix, step, nodes.constant(f"{name}_scales", scales), middle]
    return nodes.op("MatMulIntegerToFloat", inputs, out, domain=MICROSOFT)
