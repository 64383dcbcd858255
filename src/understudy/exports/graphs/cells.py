"""The equations of `model/recurrence/reference.py` as nodes of an ONNX graph, of operators that every runtime has."""

from collections.abc import Sequence

from understudy.exports.graphs.nodes import Nodes


def gru(nodes: Nodes, layer: int, units: int, x: Sequence[str], own: Sequence[str]) -> str:
    """Add what gives a GRU's `h{layer}_next` from `h{layer}`; its name.

    Args:
        nodes: the graph.
        layer: which layer it is.
        units: H.
        x: what the input gives r and z, (B, 2·H), and n, (B, H), biases included.
        own: what h gives them, in the same parts, the bias of n that r scales included.
    """
    op, h = nodes.op, f"h{layer}"
    rz = op("Sigmoid", [op("Add", [x[0], own[0]], f"rz{layer}_in")], f"rz{layer}")
    r, z = nodes.split(rz, [units, units])
    n = op("Tanh", [op("Add", [x[1], op("Mul", [r, own[1]], f"reset{layer}")], f"n{layer}_in")], f"n{layer}")
    kept = op("Mul", [z, op("Sub", [h, n], f"h-n{layer}")], f"kept{layer}")
    return op("Add", [n, kept], f"{h}_next")


def lstm(nodes: Nodes, layer: int, units: int, x: str, own: str) -> str:
    """Add what gives an LSTM's `h{layer}_next` and `c{layer}_next` from `c{layer}`; the name of the first.

    Args:
        nodes: the graph.
        layer: which layer it is.
        units: H.
        x: what the input gives i, f, g and o, (B, 4·H), biases included.
        own: what h gives them.
    """
    op, c = nodes.op, f"c{layer}"
    i_f, g, o = nodes.split(op("Add", [x, own], f"gates{layer}"), [2 * units, units, units])
    i, f = nodes.split(op("Sigmoid", [i_f], f"if{layer}"), [units, units])
    new = op("Mul", [i, op("Tanh", [g], f"g{layer}_tanh")], f"new{layer}")
    c_next = op("Add", [op("Mul", [f, c], f"kept{layer}"), new], f"{c}_next")
    shown = op("Tanh", [c_next], f"{c}_tanh")
    return op("Mul", [op("Sigmoid", [o], f"o{layer}"), shown], f"h{layer}_next")
