"""TensorFlow's object-based checkpoints: the layers, found by walking the graph of objects that is part of them.

An array's key is one of the ways to it, and often not by way of its layer: with an optimiser that holds the same
variables it may be `optimizer/_trainable_variables/3`. The graph knows all ways.
"""

from dataclasses import dataclass, field

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign.bundle import Bundle
from understudy.foreign.layers import EXPECTED, Found, Layer, keras_layer, placed
from understudy.foreign.protobuf import fields, text
from understudy.foreign.reading import Stored

GRAPH = b"_CHECKPOINTABLE_OBJECT_GRAPH"
_SUFFIX = b"/.ATTRIBUTES/VARIABLE_VALUE"
_MOST_NODES, _MOST_EDGES, _LONGEST_NAME = 1 << 17, 1 << 19, 1 << 8
_STEPS = {"_iterations", "iterations", "iter", "beta1_power"}
"""What an optimiser counts its steps by, and nothing else has."""
_MODELS_OWN = "_trainable_variables"
"""What an optimiser has of the model; a layer must have it too."""
_NO_WEIGHTS = {"states", "_states", "metrics", "_metrics", "keras_api"}


@dataclass
class _Node:
    """An object of the graph: its children by name, and the key of its array where it is a variable."""

    children: list[tuple[str, int]] = field(default_factory=list)
    key: bytes | None = None
    slots: list[int] = field(default_factory=list)


def found(bundle: Bundle) -> Found:
    """The layers of a checkpoint.

    Raises:
        ModelFileError: it is damaged, of another kind, or holds what is none of the layers wanted.
    """
    if GRAPH not in bundle.entries:
        raise ModelFileError(
            "a TensorFlow checkpoint by names of variables (tf.train.Saver's): expected an object-based one, as "
            "tf.train.Checkpoint and model.save_weights write it"
        )
    nodes = _nodes(bundle.text(GRAPH))
    layers, claimed = _layers(bundle, nodes)
    for number, node in enumerate(nodes):
        if node.key is None or number in claimed:
            continue
        stored = bundle.stored(node.key)
        if stored.floating and len(stored.shape):
            name = node.key.removesuffix(_SUFFIX).decode("utf-8", "replace")
            raise ModelFileError(f"{named(name)} {list(stored.shape)} belongs to none of the layers wanted; {EXPECTED}")
    return Found("TensorFlow checkpoint", layers)


def _nodes(graph: bytes) -> list[_Node]:
    """The objects of a graph."""
    nodes: list[_Node] = []
    edges = 0
    for part in fields(graph):
        if part.tag != 1:
            continue
        node = _Node()
        for entry in fields(part.data):
            if entry.tag == 1:
                told = {one.tag: one for one in fields(entry.data)}
                name = text(told[2].data) if 2 in told else ""
                node.children.append((name, told[1].number if 1 in told else 0))
            elif entry.tag == 2:
                told = {one.tag: one for one in fields(entry.data)}
                if 1 in told and told[1].data == b"VARIABLE_VALUE" and 3 in told:
                    node.key = told[3].data
            elif entry.tag == 3:
                node.slots.append(next((one.number for one in fields(entry.data) if one.tag == 3), 0))
        edges += len(node.children) + len(node.slots)
        nodes.append(node)
        if len(nodes) > _MOST_NODES or edges > _MOST_EDGES:
            raise ModelFileError(f"a graph of more than {_MOST_NODES:,} objects, which is no model's")
    if any(not 0 <= to < len(nodes) for node in nodes for to in (*(to for _, to in node.children), *node.slots)):
        raise ModelFileError("damaged: its graph tells of objects that are not there")
    return nodes


def _layers(bundle: Bundle, nodes: list[_Node]) -> tuple[list[Layer], set[int]]:
    """The layers in the order in which their owners name them, and all variables that are accounted for.

    A layer is an object that has variables under names; under numbers a list has them, which owns none of them.
    """
    claimed = {slot for node in nodes for slot in node.slots}
    aside: set[int] = set()
    layers: list[Layer] = []
    waiting, seen = [("", 0)] if nodes else [], set[int]()
    while waiting:
        path, number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        node = nodes[number]
        names = {name for name, _ in node.children}
        if names & _STEPS:
            _set_aside(nodes, [to for name, to in node.children if name != _MODELS_OWN], aside)
            continue
        arrays: dict[str, Stored] = {}
        for name, to in node.children:
            key = nodes[to].key
            if key is not None and not name.isdecimal():
                if key not in bundle.entries:
                    raise ModelFileError(f"damaged: {named(key.decode('utf-8', 'replace'))} is not in its index")
                stored = bundle.stored(key)
                if stored.floating and stored.shape:
                    arrays[name] = stored
                claimed.add(to)
        if arrays:
            layers.append(placed(keras_layer(path.removesuffix("/cell") or "/", arrays), len(layers)))
        for name, to in reversed(node.children):
            if name in _NO_WEIGHTS:
                _set_aside(nodes, [to], aside)
            elif nodes[to].key is None:
                waiting.append((f"{path}/{name}".strip("/")[-_LONGEST_NAME:], to))
    return layers, claimed | aside


def _set_aside(nodes: list[_Node], numbers: list[int], aside: set[int]) -> None:
    """Add some objects, with all that they have, to those that are no part of a model."""
    waiting = numbers
    while waiting:
        if (here := waiting.pop()) not in aside:
            aside.add(here)
            waiting += [to for _, to in nodes[here].children]
