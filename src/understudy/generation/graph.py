"""A model as an ONNX graph that writes: the loop over characters, the draw and the step, all inside.

Made from the weights, not traced. Python is entered once in many characters.
"""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from understudy.generation.nodes import MICROSOFT, Nodes
from understudy.generation.products import Product, add_product
from understudy.generation.sampling import Floats, Sampling
from understudy.model.config import ModelConfig
from understudy.model.container import Tensors

OPSET, IR_VERSION = 18, 9


def state_names(config: ModelConfig) -> list[str]:
    """The names of the state's tensors, in the order of `EngineState`."""
    parts = ("h", "c") if config.cell == "lstm" else ("h",)
    return [f"{part}{layer}" for layer in range(config.layers) for part in parts]


def looping_graph(config: ModelConfig, tensors: Tensors, product: Product, sampling: Sampling | None) -> ModelProto:
    """A graph that steps `steps` times: through given ids where `sampling` is None, or else through drawn ones.

    Inputs: `steps`; `logits_0` (B, V) and the state's tensors (B, H), each with `_0`; and `given` (T, B), or what the
    draw needs: `uniforms` (T, B, 1), `temperature`, `top_k`, `top_p`, as far as the kind of `sampling` asks for them.
    Outputs: `logits_n`, the state's tensors with `_n`, and `ids` (T, B).

    The embedding, the first layer's input matrix and its biases are folded into one table that is looked up, which is
    exact up to the rounding of the fold.
    """
    return _Writer(config, tensors, product).build(sampling)


class _Writer:
    def __init__(self, config: ModelConfig, tensors: Tensors, product: Product) -> None:
        self.config = config
        self.tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()}
        self.product = product
        self.body = Nodes()

    def build(self, sampling: Sampling | None) -> ModelProto:
        V, H, names = self.config.vocabulary, self.config.units, state_names(self.config)
        self.body.op("Identity", ["going"], "going_on")
        self.choose(sampling)
        self.step()
        i64, f32, f64 = TensorProto.INT64, TensorProto.FLOAT, TensorProto.DOUBLE
        info = helper.make_tensor_value_info
        flag = TensorProto.BOOL
        body = helper.make_graph(
            self.body.nodes,
            "character",
            [info("t", i64, []), info("going", flag, []), info("logits", f32, ["B", V])]
            + [info(name, f32, ["B", H]) for name in names],
            [info("going_on", flag, []), info("logits_next", f32, ["B", V])]
            + [info(f"{name}_next", f32, ["B", H]) for name in names]
            + [info("id", i64, ["B"])],
        )
        carried = ["logits", *names]
        loop = helper.make_node(
            "Loop",
            ["steps", "", *(f"{name}_0" for name in carried)],
            [*(f"{name}_n" for name in carried), "ids"],
            body=body,
        )
        inputs: dict[str, Any] = {"steps": (i64, [])}
        if sampling is None:
            inputs["given"] = (i64, ["T", "B"])
        elif not sampling.greedy:
            inputs |= {"uniforms": (f64, ["T", "B", 1]), "temperature": (f64, [])}
            inputs |= {"top_k": (i64, [1])} if sampling.top_k is not None else {}
            inputs |= {"top_p": (f64, [])} if sampling.top_p is not None else {}
        states = [info(f"{name}_0", f32, ["B", H]) for name in names]
        graph = helper.make_graph(
            [loop],
            "writing",
            [info(name, *kind) for name, kind in inputs.items()] + [info("logits_0", f32, ["B", V]), *states],
            [info("logits_n", f32, ["B", V])]
            + [info(f"{name}_n", f32, ["B", H]) for name in names]
            + [info("ids", i64, ["T", "B"])],
            self.body.constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    def choose(self, sampling: Sampling | None) -> None:
        """`id` (B,): the given one, or one drawn as `Sampling.draw` does, in float64."""
        body, op = self.body, self.body.op
        if sampling is None:
            op("Gather", ["given", "t"], "id")
            return
        exact = op("Cast", ["logits"], "exact", to=TensorProto.DOUBLE)
        if sampling.greedy:
            op("ArgMax", [exact], "id", axis=-1, keepdims=0)
            return
        weights = op("Softmax", [op("Div", [exact, "temperature"], "scaled")], "weights", axis=-1)
        axis = body.constant("axis", np.array(-1, np.int64))
        chance = op("Gather", ["uniforms", "t"], "chance")
        if not sampling.ranks:
            op("ArgMax", [self.beyond(op("CumSum", [weights, axis], "sums"), chance)], "id", axis=-1, keepdims=0)
            return
        count = "top_k" if sampling.top_k is not None else body.constant("all", np.array([self.config.vocabulary]))
        body.nodes.append(helper.make_node("TopK", [weights, count], ["ranked", "order"]))
        sums, last = op("CumSum", ["ranked", axis], "sums"), body.constant("last", np.array([-1], np.int64))
        total = op("ReduceSum", ["ranked", last], "total") if sampling.top_k is not None else None
        if sampling.top_p is not None:
            enough = op("Mul", ["top_p", total], "enough") if total is not None else "top_p"
            kept = op("Less", [op("Sub", [sums, "ranked"], "sums_before"), enough], "kept")
            kept_sums = op("Where", [kept, sums, body.constant("nothing", np.array(0.0))], "kept_sums")
            total = op("ReduceMax", [kept_sums, last], "kept_total")
        assert total is not None
        beyond = self.beyond(sums, op("Mul", [total, chance], "sought"))
        place = op("ArgMax", [beyond], "place", axis=-1, keepdims=1)
        op("Squeeze", [op("GatherElements", ["order", place], "found", axis=-1), last], "id")

    def beyond(self, sums: str, sought: str) -> str:
        """Where the running sums (B, K) have passed what is sought (B, 1); the first such place is drawn."""
        passed = self.body.op("Greater", [sums, sought], "passed")
        return self.body.op("Cast", [passed], "passed_number", to=TensorProto.FLOAT)

    def step(self) -> None:
        """`logits_next` and the next states, from `id` and the states."""
        x = self.body.op("Gather", [self.body.constant("table", self.table()), "id"], "x0")
        for layer in range(self.config.layers):
            if layer:
                x = self.dense(x, f"layers.{layer}.weight_ih", self.bias(layer), f"x{layer}")
            x = self.gru(layer, x) if self.config.cell == "gru" else self.lstm(layer, x)
        self.dense(x, "output.weight", self.tensors["output.bias"], "logits_next", exact=True)

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
        H, h, op = self.config.units, f"h{layer}", self.body.op
        g = self.multiply(h, f"layers.{layer}.weight_hh", f"g{layer}")
        x_rz, x_n = self.body.split(x, [2 * H, H])
        g_rz, g_n = self.body.split(g, [2 * H, H])
        rz = op("Sigmoid", [op("Add", [x_rz, g_rz], f"rz{layer}_in")], f"rz{layer}")
        r, z = self.body.split(rz, [H, H])
        c = self.body.constant(f"c{layer}", self.tensors[f"layers.{layer}.bias_hh"][2 * H :])
        reset = op("Mul", [r, op("Add", [g_n, c], f"q{layer}")], f"reset{layer}")
        n = op("Tanh", [op("Add", [x_n, reset], f"n{layer}_in")], f"n{layer}")
        kept = op("Mul", [z, op("Sub", [h, n], f"h-n{layer}")], f"kept{layer}")
        return op("Add", [n, kept], f"{h}_next")

    def lstm(self, layer: int, x: str) -> str:
        H, h, c, op = self.config.units, f"h{layer}", f"c{layer}", self.body.op
        g = self.multiply(h, f"layers.{layer}.weight_hh", f"g{layer}")
        gates = op("Add", [x, g], f"gates{layer}")
        inner = self.body.split(gates, [2 * H, H, H])
        both = op("Sigmoid", [inner[0]], f"if{layer}")
        i, f = self.body.split(both, [H, H])
        o = op("Sigmoid", [inner[2]], f"o{layer}")
        new = op("Mul", [i, op("Tanh", [inner[1]], f"new{layer}")], f"written{layer}")
        c_next = op("Add", [op("Mul", [f, c], f"kept{layer}"), new], f"{c}_next")
        return op("Mul", [o, op("Tanh", [c_next], f"{c}_tanh")], f"{h}_next")

    def dense(self, x: str, weight: str, bias: Floats, out: str, *, exact: bool = False) -> str:
        product = self.multiply(x, weight, f"{out}_product", exact=exact)
        return self.body.op("Add", [product, self.body.constant(f"{out}_bias", bias)], out)

    def multiply(self, x: str, weight: str, out: str, *, exact: bool = False) -> str:
        kind: Product = "float32" if exact else self.product
        return add_product(self.body, kind, x, weight, self.tensors[weight], out)
