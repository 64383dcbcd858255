"""One step of a model as an ONNX graph, made from its weights (not traced)."""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from understudy.generation.engine import Floats
from understudy.model.config import ModelConfig
from understudy.model.container import Tensors

OPSET, IR_VERSION = 18, 9


def state_names(config: ModelConfig) -> list[str]:
    """The names of the state's tensors, in the order of `EngineState`."""
    parts = ("h", "c") if config.cell == "lstm" else ("h",)
    return [f"{part}{layer}" for layer in range(config.layers) for part in parts]


def step_graph(config: ModelConfig, tensors: Tensors) -> ModelProto:
    """A graph from `ids` (B,) and the state's tensors (B, H) to `logits` (B, V) and the tensors' successors.

    A successor's name is the tensor's with `_next`. The embedding, the first layer's input matrix and its biases
    are folded into one table that is looked up, which is exact up to the rounding of the fold.
    """
    return _Graph(config, tensors).build()


class _Graph:
    def __init__(self, config: ModelConfig, tensors: Tensors) -> None:
        self.config = config
        self.tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()}
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def build(self) -> ModelProto:
        V, H = self.config.vocabulary, self.config.units
        x = self.op("Gather", [self.constant("table", self.table()), "ids"], "x0")
        for layer in range(self.config.layers):
            if layer:
                x = self.dense(x, f"layers.{layer}.weight_ih", self.bias(layer), f"x{layer}")
            x = self.gru(layer, x) if self.config.cell == "gru" else self.lstm(layer, x)
        self.dense(x, "output.weight", self.tensors["output.bias"], "logits")

        floats, names = TensorProto.FLOAT, state_names(self.config)
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "step",
            [info("ids", TensorProto.INT64, ["B"])] + [info(name, floats, ["B", H]) for name in names],
            [info("logits", floats, ["B", V])] + [info(f"{name}_next", floats, ["B", H]) for name in names],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def table(self) -> Floats:
        """The first layer's input products for every symbol, (V, G·H)."""
        products = self.tensors["embedding.weight"] @ self.tensors["layers.0.weight_ih"].T
        folded: Floats = products + self.bias(0)
        return folded

    def bias(self, layer: int) -> Floats:
        """What is added to a layer's input products: both biases, but for a GRU's n, which r scales."""
        inputs, recurrent = (self.tensors[f"layers.{layer}.bias_{part}"] for part in ("ih", "hh"))
        if self.config.cell == "gru":
            recurrent = recurrent.copy()
            recurrent[2 * self.config.units :] = 0
        return inputs + recurrent

    def gru(self, layer: int, x: str) -> str:
        H, tag = self.config.units, str(layer)
        h = f"h{layer}"
        g = self.matmul(h, f"layers.{layer}.weight_hh", f"g{tag}")
        x_rz, x_n = self.split(x, [2 * H, H], f"x{tag}")
        g_rz, g_n = self.split(g, [2 * H, H], f"g{tag}")
        rz = self.op("Sigmoid", [self.op("Add", [x_rz, g_rz], f"s{tag}")], f"rz{tag}")
        r, z = self.split(rz, [H, H], f"rz{tag}")
        c = self.constant(f"c{tag}", self.tensors[f"layers.{layer}.bias_hh"][2 * H :])
        reset = self.op("Mul", [r, self.op("Add", [g_n, c], f"gc{tag}")], f"reset{tag}")
        n = self.op("Tanh", [self.op("Add", [x_n, reset], f"pre{tag}")], f"n{tag}")
        kept = self.op("Mul", [z, self.op("Sub", [h, n], f"diff{tag}")], f"kept{tag}")
        return self.op("Add", [n, kept], f"{h}_next")

    def lstm(self, layer: int, x: str) -> str:
        H, tag = self.config.units, str(layer)
        h, c = f"h{layer}", f"c{layer}"
        gates = self.op("Add", [x, self.matmul(h, f"layers.{layer}.weight_hh", f"g{tag}")], f"gates{tag}")
        i, f, g, o = self.split(gates, [H] * 4, f"gates{tag}")
        i, f, o = (self.op("Sigmoid", [gate], f"{gate}_open") for gate in (i, f, o))
        new = self.op("Mul", [i, self.op("Tanh", [g], f"{g}_tanh")], f"new{tag}")
        c_next = self.op("Add", [self.op("Mul", [f, c], f"kept{tag}"), new], f"{c}_next")
        return self.op("Mul", [o, self.op("Tanh", [c_next], f"{c}_tanh")], f"{h}_next")

    def dense(self, x: str, weight: str, bias: Floats, out: str) -> str:
        product = self.matmul(x, weight, f"{out}_product")
        return self.op("Add", [product, self.constant(f"{out}_bias", bias)], out)

    def matmul(self, x: str, weight: str, out: str) -> str:
        transposed = np.ascontiguousarray(self.tensors[weight].T)
        return self.op("MatMul", [x, self.constant(weight, transposed)], out)

    def split(self, x: str, sizes: list[int], tag: str) -> list[str]:
        outputs = [f"{tag}_part{place}" for place in range(len(sizes))]
        sizes_name = self.constant(f"{tag}_sizes", np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [x, sizes_name], outputs, axis=-1))
        return outputs

    def op(self, kind: str, inputs: list[str], out: str) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [out]))
        return out

    def constant(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name
