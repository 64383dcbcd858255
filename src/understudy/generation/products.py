"""The matrix products of a step, in float32 or with weights of eight bits."""

from typing import Literal

import numpy as np

from understudy.generation.nodes import MICROSOFT, Nodes
from understudy.generation.sampling import Floats

Product = Literal["float32", "int8"]
PRODUCTS: tuple[Product, ...] = ("float32", "int8")
BLOCK = 32


def add_product(nodes: Nodes, kind: Product, x: str, name: str, weight: Floats, out: str) -> str:
    """Add x Wᵀ for x (B, K) and W (N, K) to a graph; the result's name."""
    N, K = weight.shape
    if kind == "float32" or K % BLOCK:
        return nodes.op("MatMul", [x, nodes.constant(name, np.ascontiguousarray(weight.T))], out)
    blocks = weight.reshape(N, K // BLOCK, BLOCK)
    scales = np.maximum(np.abs(blocks).max(-1) / 127, np.finfo(np.float32).tiny).astype(np.float32)
    rounded = np.rint(blocks / scales[..., None] + 128).astype(np.uint8)
    quantized = nodes.constant(f"{name}_int8", rounded)
    inputs = [x, quantized, nodes.constant(f"{name}_scales", scales.reshape(-1))]
    settings = {"K": K, "N": N, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
    return nodes.op("MatMulNBits", inputs, out, domain=MICROSOFT, **settings)
