"""The draw inside a graph: which id comes next."""

import numpy as np
from onnx import TensorProto, helper

from understudy.exports.graphs.nodes import Nodes
from understudy.generation.sampling import Sampling


def add_draw(nodes: Nodes, sampling: Sampling | None, symbols: int) -> None:
    """Add nodes that give `id` (B,): the given one (`given_id`), or one drawn as `Sampling.draw` does, in float64.

    They read `logits` (B, V), `chance` (B, 1), and the numbers that the kind of draw asks for (`looping_graph`).
    The largest logit is taken away first: divided by however small a temperature, the others then are at worst
    infinitely far below it, and the most probable symbol comes.
    """
    op = nodes.op
    if sampling is None:
        op("Identity", ["given_id"], "id")
        return
    exact = op("Cast", ["logits"], "exact", to=TensorProto.DOUBLE)
    if sampling.greedy:
        op("ArgMax", [exact], "id", axis=-1, keepdims=0)
        return
    last = nodes.constant("last", np.array([-1], np.int64))
    below = op("Sub", [exact, op("ReduceMax", [exact, last], "best")], "below")
    weights = op("Softmax", [op("Div", [below, "temperature"], "scaled")], "weights", axis=-1)
    axis = nodes.constant("axis", np.array(-1, np.int64))
    if not sampling.ranks:
        sums = op("CumSum", [weights, axis], "sums")
        op("ArgMax", [op("Min", [sums, "chance"], "cut")], "id", axis=-1, keepdims=0)
        return
    count = "top_k" if sampling.top_k is not None else nodes.constant("all", np.array([symbols], np.int64))
    nodes.nodes.append(helper.make_node("TopK", [weights, count], ["ranked", "order"]))
    sums = op("CumSum", ["ranked", axis], "sums")
    total = None
    if sampling.top_k is not None:
        total = op("ReduceMax", [sums, last], "total")
    if sampling.top_p is not None:
        enough = op("Mul", ["top_p", total], "enough") if total is not None else "top_p"
        total = op("GatherElements", [sums, _first_to_reach(nodes, sums, enough)], "kept_total", axis=-1)
    assert total is not None
    place = _first_to_reach(nodes, sums, op("Mul", [total, "chance"], "sought"))
    op("GatherND", ["order", place], "id", batch_dims=1)


def _first_to_reach(nodes: Nodes, sums: str, sought: str) -> str:
    """The first place where the running sums (B, K) reach what is sought, or else their largest, (B, 1)."""
    cut = nodes.op("Min", [sums, sought], f"{sought}_cut")
    return nodes.op("ArgMax", [cut], f"{sought}_place", axis=-1, keepdims=1)
