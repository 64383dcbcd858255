"""One step of a model as an ONNX graph, of operators that every runtime has.

They are Gather, MatMul, Add, Sub, Mul, Split, Sigmoid and Tanh, as operator set 13 has them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from understudy.exports.graphs.cells import gru, lstm
from understudy.exports.graphs.hashes import ngram_rows
from understudy.exports.graphs.nodes import Nodes
from understudy.generation.portable.packing import input_bias, own_bias
from understudy.model.config import GATES, NGRAM_CODES, NGRAM_LENGTHS, NGRAM_TABLE, RECENT, ModelConfig
from understudy.model.container import Tensors

Floats = NDArray[np.float32]
OPSET, IR_VERSION = 13, 7
OPERATORS = frozenset({"Gather", "MatMul", "Add", "Sub", "Mul", "Split", "Sigmoid", "Tanh"})


class StateInput(NamedTuple):
    """A part of the state: zeros before any text.

    Attributes:
        name: of the input; the output that takes its place at the next step is called `{name}_next`.
        type: of its numbers, as numpy calls it.
        widths: its shape, but for B, which comes first.
    """

    name: str
    type: str
    widths: tuple[int, ...]


def state_inputs(config: ModelConfig) -> list[StateInput]:
    """The parts of a model's state: h of each layer, with c after it for an LSTM; with n-grams the characters before.

    Those are `recent1`, the last one, to `recent7`: ids and one more, because 0 is none.
    """
    parts = ("h", "c") if config.cell == "lstm" else ("h",)
    states = [StateInput(f"{part}{n}", "float32", (config.units,)) for n in range(config.layers) for part in parts]
    if config.ngrams:
        states += [StateInput(f"recent{back}", "int64", ()) for back in range(1, RECENT + 1)]
    return states


def step_graph(config: ModelConfig, tensors: Tensors) -> ModelProto:
    """A step: `id` (B,) and the state's parts give `logits` (B, V) and the parts after it, in float32.

    The embedding, the first layer's input matrix and its biases are folded into one table that is looked up, where
    that table is the smaller; it is the same up to the rounding of the fold.
    """
    step = _Step(config, tensors)
    x = step.first_input()
    for layer in range(config.layers):
        x = step.layer(layer, x if layer == 0 else step.above(layer, x))
    step.logits(x)
    types = {"int64": TensorProto.INT64, "float32": TensorProto.FLOAT}
    info = helper.make_tensor_value_info
    before = [info(state.name, types[state.type], ["B", *state.widths]) for state in state_inputs(config)]
    after = [info(f"{state.name}_next", types[state.type], ["B", *state.widths]) for state in state_inputs(config)]
    graph = helper.make_graph(
        step.nodes.nodes,
        "step",
        [info("id", TensorProto.INT64, ["B"]), *before],
        [info("logits", TensorProto.FLOAT, ["B", config.vocabulary]), *after],
        step.nodes.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


class _Step:
    def __init__(self, config: ModelConfig, tensors: Tensors) -> None:
        self.config, self.tensors, self.nodes = config, tensors, Nodes()

    def first_input(self) -> str:
        """The first layer's input products, biases included, (B, G·H)."""
        V, E, H = self.config.vocabulary, self.config.embedding, self.config.units
        columns = GATES[self.config.cell] * H
        embedding, weight = self.tensors["embedding.weight"], self.tensors["layers.0.weight_ih"]
        op = self.nodes.op
        if V * columns <= V * E + E * columns:
            table = self.nodes.constant("table", embedding @ weight.T + input_bias(self.config, self.tensors, 0))
            x = op("Gather", [table, "id"], "x0")
        else:
            vector = op("Gather", [self.nodes.constant("embedding", embedding), "id"], "vector")
            x = self.product(vector, "x0", weight, input_bias(self.config, self.tensors, 0))
        if not self.config.ngrams:
            return x
        return op("Add", [x, self.product(self.ngrams(), "x0_ngrams", weight[:, : self.config.ngram_width])], "x0_all")

    def ngrams(self) -> str:
        """What n-grams add to the first numbers of the character's vector, (B, D); `recent1_next` and so on."""
        op, rows = self.nodes.op, self.config.ngrams
        none, one = (self.nodes.constant(f"recent_{more}", np.array(more, np.int64)) for more in (0, 1))
        recent = [op("Add", ["id", one], "recent1_next"), *(f"recent{back}" for back in range(1, RECENT + 1))]
        for back in range(1, RECENT):
            op("Add", [f"recent{back}", none], f"recent{back + 1}_next")
        places = ngram_rows(self.nodes, recent, self.tensors[NGRAM_CODES], rows)
        total = ""
        for first, (length, place) in enumerate(zip(NGRAM_LENGTHS, places, strict=True)):
            part = self.tensors[NGRAM_TABLE][first * rows : (first + 1) * rows]
            table = self.nodes.constant(f"ngrams{length}", np.asarray(part, np.float32))
            found = op("Gather", [table, place], f"ngrams{length}_found")
            total = op("Add", [total, found], f"ngrams{length}_sum") if total else found
        return total

    def above(self, layer: int, x: str) -> str:
        """The input products of a layer that is not the first, from what the one below gives."""
        weight, bias = self.tensors[f"layers.{layer}.weight_ih"], input_bias(self.config, self.tensors, layer)
        return self.product(x, f"x{layer}", weight, bias)

    def layer(self, layer: int, x: str) -> str:
        """The next h of a layer, from its input products."""
        own = self.product(f"h{layer}", f"u{layer}", self.tensors[f"layers.{layer}.weight_hh"])
        H, split = self.config.units, self.nodes.split
        if self.config.cell == "lstm":
            return lstm(self.nodes, layer, H, x, own)
        own_rz, own_n = split(own, [2 * H, H])
        bias = self.nodes.constant(f"own_bias{layer}", own_bias(self.config, self.tensors, layer)[2 * H :])
        own_n = self.nodes.op("Add", [own_n, bias], f"own_n{layer}")
        return gru(self.nodes, layer, H, split(x, [2 * H, H]), (own_rz, own_n))

    def logits(self, x: str) -> None:
        self.product(x, "logits", self.tensors["output.weight"], self.tensors["output.bias"])

    def product(self, x: str, out: str, weight: Floats, bias: Floats | None = None) -> str:
        """The product x Wᵀ, with b added where there is one."""
        matrix = self.nodes.constant(f"{out}_matrix", np.ascontiguousarray(weight.T))
        if bias is None:
            return self.nodes.op("MatMul", [x, matrix], out)
        found = self.nodes.op("MatMul", [x, matrix], f"{out}_product")
        return self.nodes.op("Add", [found, self.nodes.constant(f"{out}_bias", bias)], out)
