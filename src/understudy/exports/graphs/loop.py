"""A model as an ONNX graph that writes: the loop over characters, the draw and the step, all inside.

Made from the weights, not traced. Python is entered once in many characters.
"""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from understudy.exports.graphs.cells import gru, lstm
from understudy.exports.graphs.loop_draw import add_draw
from understudy.exports.graphs.loop_ngrams import ngram_vectors
from understudy.exports.graphs.loop_products import Product
from understudy.exports.graphs.nodes import MICROSOFT, Nodes
from understudy.generation.portable.packing import Numbers, input_bias, own_bias
from understudy.generation.sampling import Floats, Sampling
from understudy.model.config import GATES, NGRAM_CODES, NGRAM_TABLE, ModelConfig
from understudy.model.container import Tensors

OPSET, IR_VERSION = 18, 9


def state_names(config: ModelConfig) -> list[str]:
    """The names of the state's tensors, in the order of `EngineState`."""
    parts = ("h", "c") if config.cell == "lstm" else ("h",)
    names = [f"{part}{layer}" for layer in range(config.layers) for part in parts]
    return [*names, "recent"] if config.ngrams else names


def looping_graph(config: ModelConfig, tensors: Tensors, numbers: Numbers, sampling: Sampling | None) -> ModelProto:
    """A graph of T steps: through given ids where `sampling` is None, or else through drawn ones.

    Inputs: `logits_0` (B, V) and the state's tensors (B, ·), each with `_0`; and `given` (T, B), or `uniforms`
    (T, B, 1) with `temperature`, `top_k` and `top_p` as far as the kind of `sampling` asks for them.
    Outputs: `logits_n`, the state's tensors with `_n`, and `ids` (T, B).

    The embedding, the first layer's input matrix and its biases are folded into one table that is looked up, which is
    exact up to the rounding of the fold. What a layer's h goes into is one product: its own gates of the next step, and
    beside them the next layer's input or the logits of this step.
    """
    return _Writer(config, tensors, numbers).build(sampling)


class _Writer:
    def __init__(self, config: ModelConfig, tensors: Tensors, numbers: Numbers) -> None:
        self.config = config
        self.tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items() if name != NGRAM_CODES}
        self.codes = tensors.get(NGRAM_CODES)
        self.numbers = numbers
        self.body, self.entry = Nodes(), Nodes()
        self.products = [self.product(layer) for layer in range(config.layers)]

    def build(self, sampling: Sampling | None) -> ModelProto:
        V, H, L = self.config.vocabulary, self.config.units, self.config.layers
        widths = [width for part in self.config.state_widths for width in part]
        state = dict(zip(state_names(self.config), widths, strict=True))
        i64, f32, f64 = TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE
        info = helper.make_tensor_value_info
        inputs: dict[str, Any] = (
            {"given": (i64, ["T", "B"])} if sampling is None else {"uniforms": (f64, ["T", "B", 1])}
        )
        if sampling is not None and not sampling.greedy:
            inputs["temperature"] = f64, []
            inputs |= {"top_k": (i64, [1])} if sampling.top_k is not None else {}
            inputs |= {"top_p": (f64, [])} if sampling.top_p is not None else {}
        turn = info("given_id", i64, ["B"]) if sampling is None else info("chance", f64, ["B", 1])
        add_draw(self.body, sampling, V)
        self.step()
        gates = [f"g{layer}" for layer in range(L)]
        shapes = {"logits": V} | state | dict.fromkeys(gates, GATES[self.config.cell] * H)
        carried = [info(name, f32, ["B", size]) for name, size in shapes.items()]
        after = [info(f"{name}_next", f32, ["B", size]) for name, size in shapes.items()]
        body = helper.make_graph(self.body.nodes, "character", [*carried, turn], [*after, info("id", i64, ["B"])])
        for layer in range(L):
            self.multiply(self.entry, layer, f"h{layer}_0", f"g{layer}_0", f"unused{layer}")
        scan = helper.make_node(
            "Scan",
            [*(f"{name}_0" for name in shapes), next(iter(inputs))],
            [*(f"{name}_n" for name in shapes), "ids"],
            body=body,
            num_scan_inputs=1,
        )
        states = [info(f"{name}_0", f32, ["B", width]) for name, width in state.items()]
        graph = helper.make_graph(
            [*self.entry.nodes, scan],
            "writing",
            [info(name, *kind) for name, kind in inputs.items()] + [info("logits_0", f32, ["B", V]), *states],
            [info("logits_n", f32, ["B", V])]
            + [info(f"{name}_n", f32, ["B", width]) for name, width in state.items()]
            + [info("ids", i64, ["T", "B"])],
            self.body.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def step(self) -> None:
        """`logits_next` and what else is carried, from `id` and what was."""
        config, body = self.config, self.body
        cuts = [2 * config.units, config.units] if config.cell == "gru" else [GATES[config.cell] * config.units]
        parts = self.with_ngrams(cuts) if config.ngrams else self.looked_up(cuts)
        for layer in range(config.layers):
            if config.cell == "gru":
                h = gru(body, layer, config.units, parts, body.split(f"g{layer}", cuts))
            else:
                h = lstm(body, layer, config.units, parts[0], f"g{layer}")
            last = layer == config.layers - 1
            above = "logits_next" if last else f"x{layer + 1}"
            self.multiply(body, layer, h, f"g{layer}_next", above)
            if not last:
                parts = body.split(above, cuts) if len(cuts) > 1 else [above]

    def looked_up(self, cuts: list[int]) -> list[str]:
        """The first layer's input, in parts of these widths."""
        parts = np.split(self.table(), np.cumsum(cuts)[:-1], 1)
        tables = [self.body.constant(f"table_{place}", part) for place, part in enumerate(parts)]
        return [self.body.op("Gather", [table, "id"], f"x0_{place}") for place, table in enumerate(tables)]

    def with_ngrams(self, cuts: list[int]) -> list[str]:
        """The same with what n-grams add; `recent_next`."""
        assert self.codes is not None
        summed = ngram_vectors(self.body, self.config, self.tensors[NGRAM_TABLE], self.codes)
        weight = self.tensors["layers.0.weight_ih"][:, : self.config.ngram_width]
        product = Product(self.body, "float32", "ngrams_to_x", weight, np.zeros(len(weight), np.float32))
        (own,) = self.looked_up([sum(cuts)])
        x = self.body.op("Add", [own, product.add(self.body, summed, "x0_ngrams")], "x0")
        return self.body.split(x, cuts) if len(cuts) > 1 else [x]

    def table(self) -> Floats:
        """The first layer's input products for every symbol, (V, G·H)."""
        products = self.tensors["embedding.weight"] @ self.tensors["layers.0.weight_ih"].T
        folded: Floats = products + input_bias(self.config, self.tensors, 0)
        return folded

    def product(self, layer: int) -> Product:
        """What a layer's h goes into: its own gates of the next step; the input of the layer above, or the logits."""
        config, tensors = self.config, self.tensors
        if layer + 1 < config.layers:
            weight, bias = tensors[f"layers.{layer + 1}.weight_ih"], input_bias(config, tensors, layer + 1)
        else:
            weight, bias = tensors["output.weight"], tensors["output.bias"]
        own = tensors[f"layers.{layer}.weight_hh"]
        self.body.constant(f"sizes{layer}", np.array([len(own), len(weight)], np.int64))
        bias = np.concatenate([own_bias(config, tensors, layer), bias])
        return Product(self.body, self.numbers, f"from_h{layer}", np.concatenate([own, weight]), bias)

    def multiply(self, nodes: Nodes, layer: int, h: str, own: str, above: str) -> None:
        """Add a layer's product with h, and give its parts those names."""
        product = self.products[layer].add(nodes, h, f"{h}_products")
        nodes.nodes.append(helper.make_node("Split", [product, f"sizes{layer}"], [own, above], axis=-1))
