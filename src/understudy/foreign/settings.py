"""How Keras's layers are set, where a file tells: a chain of layers that ours can be, or a refusal that names one."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from understudy.checks import named, shown
from understudy.errors import ModelFileError
from understudy.foreign.layers import EXPECTED

_LARGEST, _MOST_COMMAS = 1 << 24, 1 << 20
"""Of a configuration: characters, and commas, each of which is an object in memory."""
EMBEDDING, OUTPUT = "Embedding", "Dense"
RECURRENT = ("GRU", "LSTM", "CuDNNGRU", "CuDNNLSTM")
_WHILE_TRAINING = ("Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout", "GaussianNoise")
_HARMLESS = ("InputLayer", "ActivityRegularization", *_WHILE_TRAINING)
_WITH_LAYERS = ("Sequential", "Functional", "Model")


class Told(NamedTuple):
    """A layer with weights, as the configuration has it.

    Attributes:
        name: the user's.
        kind: its class.
        group: what its class is called in names of groups.
        resets_after: of a GRU, whether it resets after the product.
    """

    name: str
    kind: str
    group: str
    resets_after: bool


def told(document: str) -> list[Told] | None:
    """The layers with weights, in the order in which the text goes through them; None where no layers are told.

    Raises:
        ModelFileError: a layer is none of those wanted, or is set as ours cannot be.
    """
    if len(document) > _LARGEST or document.count(",") > _MOST_COMMAS:
        raise ModelFileError(f"damaged: a configuration of {len(document):,} characters")
    try:
        model = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ModelFileError("damaged: its configuration is not JSON") from error
    config = model.get("config") if isinstance(model, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(model, dict) or not isinstance(layers, list) or model.get("class_name") not in _WITH_LAYERS:
        return None
    found = [_layer(layer) for layer in layers]
    chain = found if model["class_name"] == "Sequential" else _chained(found)
    return _checked(chain)


class _Layer(NamedTuple):
    """One entry of a configuration."""

    name: str
    kind: str
    config: dict[str, Any]
    nodes: list[Any]


def _layer(document: Any) -> _Layer:
    kind = document.get("class_name") if isinstance(document, dict) else None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise ModelFileError("damaged: its configuration tells of a layer without a class")
    name = config.get("name", document.get("name", kind))
    nodes = document.get("inbound_nodes")
    return _Layer(name if isinstance(name, str) else kind, kind, config, nodes if isinstance(nodes, list) else [])


def _chained(layers: list[_Layer]) -> list[_Layer]:
    """The layers of a graph as one chain, each of which reads what the one before it gives, and nothing else."""
    inputs = {layer.name for layer in layers if layer.kind == "InputLayer"}
    after: dict[str, _Layer] = {}
    first: list[_Layer] = []
    for layer in layers:
        if layer.name in inputs:
            continue
        if len(layer.nodes) > 1:
            raise ModelFileError(f"layer {named(layer.name)} is used {len(layer.nodes)} times; {EXPECTED}")
        sources = {source for source in _sources(layer.nodes) if source[0] not in inputs}
        if not sources:
            first.append(layer)
            continue
        source, output = min(sources)
        if len(sources) > 1 or output != 0 or source in after:
            raise ModelFileError(
                f"layer {named(layer.name)}, a {named(layer.kind)}, is not in one chain with the others; {EXPECTED}"
            )
        after[source] = layer
    if len(first) != 1:
        raise ModelFileError(f"{len(first)} layers read the input; {EXPECTED}")
    chain = first
    while (following := after.pop(chain[-1].name, None)) is not None:
        chain.append(following)
    if after:
        raise ModelFileError(f"layer {named(min(after))} is not in one chain with the others; {EXPECTED}")
    return chain


def _sources(nodes: list[Any]) -> Iterator[tuple[str, int]]:
    """The names of the layers whose outputs are read, each with which of its outputs.

    Keras 2 and 3 tell it as `[name, node, output]`, deep in lists or under `keras_history`.
    """
    waiting = list(nodes)
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            if len(part) >= 3 and isinstance(part[0], str) and type(part[1]) is int and type(part[2]) is int:
                yield part[0], part[2]
                waiting += part[3:]
            else:
                waiting += part


def _checked(chain: list[_Layer]) -> list[Told]:
    """The layers of a chain that have weights, all of whose settings ours shares."""
    found: list[Told] = []
    for layer in chain:
        if layer.kind in _HARMLESS:
            continue
        if layer.kind in ("Activation", "Softmax"):
            _check_activation(layer, "softmax" if layer.kind == "Softmax" else layer.config.get("activation"))
            if not found or found[-1].kind != OUTPUT:
                raise ModelFileError(f"layer {named(layer.name)}, an {layer.kind}, is not at the end; {EXPECTED}")
            continue
        found.append(_weighted(layer))
    kinds = ["R" if layer.kind in RECURRENT else layer.kind[0] for layer in found]
    if re.fullmatch("ER+D", "".join(kinds)) is None:
        names = ", ".join(f"{layer.name} ({layer.kind})" for layer in found[:8])
        raise ModelFileError(f"its layers are {named(names) if names else 'none with weights'}; {EXPECTED}")
    return found


def _weighted(layer: _Layer) -> Told:
    group, inner = _snake(layer.kind), layer
    if layer.kind == "TimeDistributed":
        inner = _layer(layer.config.get("layer"))
    kind, config = inner.kind, inner.config
    if kind == EMBEDDING and layer is inner:
        if config.get("mask_zero"):
            raise ModelFileError(
                f"layer {named(layer.name)} masks the symbol 0 (mask_zero=True), which ours reads like any other; "
                f"expected mask_zero=False"
            )
    elif kind == OUTPUT:
        _check_activation(layer, config.get("activation"))
    elif kind in RECURRENT and layer is inner:
        _check_recurrent(layer)
    else:
        backwards = ", which reads what comes after a character, so it cannot write" if kind == "Bidirectional" else ""
        raise ModelFileError(f"layer {named(layer.name)} is a {named(kind)}{backwards}; {EXPECTED}")
    return Told(layer.name, kind, group, config.get("reset_after", kind == "CuDNNGRU") is True)


def _check_activation(layer: _Layer, activation: Any) -> None:
    if _function(activation) not in (None, "linear", "softmax"):
        raise ModelFileError(f"layer {named(layer.name)} ends in {shown(activation)}: expected logits or a softmax")


def _check_recurrent(layer: _Layer) -> None:
    if layer.config.get("go_backwards"):
        raise ModelFileError(f"layer {named(layer.name)} reads backwards (go_backwards=True), so it cannot write")
    for setting, expected in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
        given = _function(layer.config.get(setting, expected))
        if given != expected:
            older = ", which Keras had as the default before 2.3" if given == "hard_sigmoid" else ""
            raise ModelFileError(
                f"layer {named(layer.name)} has {setting}={shown(given)}{older}: another recurrence than ours; "
                f"expected {expected!r}, so train it again with that"
            )


def _function(activation: Any) -> Any:
    """The name of a function that may be told as an object."""
    if isinstance(activation, dict):
        inner = activation.get("config")
        activation = inner if isinstance(inner, str) else inner.get("name") if isinstance(inner, dict) else activation
    return activation


def _snake(name: str) -> str:
    """A class's name as Keras writes it in names of groups: `CuDNNGRU` is `cu_dnngru`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
