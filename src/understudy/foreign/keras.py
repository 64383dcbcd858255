"""Keras's files as layers: groups of arrays, in the form of Keras 3 or of the versions before, and a configuration."""

import re
from dataclasses import replace
from typing import Any, NamedTuple

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign.hdf5 import Contents
from understudy.foreign.layers import Found, Layer, Recurrent, keras_layer, placed
from understudy.foreign.reading import Stored
from understudy.foreign.settings import EMBEDDING, OUTPUT, RECURRENT, Told, told

_OWNERS = ("model_weights", "")
"""Where the layers lie: in a whole model's file, and in one of weights alone."""
_NO_MODEL = ("optimizer", "metrics")
_NUMBERED = re.compile(r"(.*?)_?(\d*)")


class _Labelled(NamedTuple):
    """A layer, and what else it may be called."""

    layer: Layer
    labels: tuple[str, ...]


def found(contents: Contents, configuration: str | None = None) -> Found:
    """The layers of an HDF5 file of Keras's.

    Args:
        contents: the file.
        configuration: that of the model, where it lies beside the file; a whole model's file has it inside.

    Raises:
        ModelFileError: it is none of Keras's, or holds what is none of the layers wanted.
    """
    inside = contents.groups.get("", {}).get("model_config")
    document = configuration if configuration is not None else inside if isinstance(inside, str) else None
    layers = told(document) if document is not None else None
    owner = next((owner for owner in _OWNERS if _texts(contents.groups.get(owner, {}), "layer_names")), None)
    labelled = _numbered(contents) if owner is None else _named(contents, owner)
    if not labelled:
        raise ModelFileError("an HDF5 file without layers of Keras's: expected weights or a whole model")
    version = next((_version(contents.groups.get(place, {})) for place in _OWNERS if place in contents.groups), "")
    label = f"Keras {'HDF5' if configuration is None else 'archive'}{version}"
    if layers is None:
        return Found(label, [one.layer for one in labelled])
    return Found(label, _matched(labelled, layers), configured=True)


def _named(contents: Contents, owner: str) -> list[_Labelled]:
    """The layers of a file of before Keras 3, which lists their names in order."""
    names = _texts(contents.groups[owner], "layer_names")
    start = f"{owner}/" if owner else ""
    arrays: dict[str, dict[str, Stored]] = {}
    for path, stored in contents.arrays.items():
        layer, _, rest = path.removeprefix(start).partition("/")
        if path.startswith(start) and stored.floating and rest:
            arrays.setdefault(layer, {})[rest] = stored
    layers = [name for name in dict.fromkeys(names) if name in arrays]
    return [_Labelled(placed(keras_layer(name, arrays[name]), place), (name,)) for place, name in enumerate(layers)]


def _numbered(contents: Contents) -> list[_Labelled]:
    """The layers of a file of Keras 3, whose arrays are numbered, in groups that are named by class or by attribute."""
    arrays: dict[str, dict[str, Stored]] = {}
    for path, stored in sorted(contents.arrays.items()):
        owner, vars_, number = path.rpartition("/vars/")
        if vars_ and stored.floating and path.split("/")[0] not in _NO_MODEL:
            arrays.setdefault(owner.removesuffix("/cell"), {})[number] = stored
    labelled = []
    for path, parts in arrays.items():
        group = path.removeprefix("layers/").removesuffix("/layer")
        own = contents.groups.get(f"{path}/vars", {}).get("name")
        labels = (group, own) if isinstance(own, str) else (group,)
        labelled.append(_Labelled(keras_layer(path, parts), labels))
    recurrent = [one for one in labelled if isinstance(one.layer, Recurrent)]
    by_class = all(one.layer.name.startswith("layers/") for one in recurrent)
    for label in (0, -1) if by_class else (-1, 0):
        numbers = _numbers([one.labels[label] for one in recurrent])
        if numbers is not None:
            order = {one.layer.name: number for one, number in zip(recurrent, numbers, strict=True)}
            return [
                one._replace(layer=placed(one.layer, order[one.layer.name])) if one.layer.name in order else one
                for one in labelled
            ]
    return labelled


def _numbers(names: list[str]) -> list[int] | None:
    """The numbers that names end in, where that is all in which they differ: `gru`, `gru_1`, `gru_2`."""
    parts = [match for name in names if (match := _NUMBERED.fullmatch(name)) is not None and len(match[2]) < 9]
    numbers = [int(part[2] or 0) for part in parts]
    alike = len({part[1] for part in parts}) == 1 and len(set(numbers)) == len(names)
    return numbers if alike else None


def _matched(labelled: list[_Labelled], layers: list[Told]) -> list[Layer]:
    """The layers of the file as the configuration has them, in its order.

    Files of before Keras 3 name groups by layer; since then by class, numbered in the model's order, or by layer.
    """
    counts: dict[str, int] = {}
    groups = []
    for layer in layers:
        count = counts.get(layer.group, 0)
        counts[layer.group] = count + 1
        groups.append(f"{layer.group}_{count}" if count else layer.group)
    ways: list[tuple[int, list[str]]] = [(-1, [layer.name for layer in layers]), (0, groups)]
    ways.append((0, [layer.name for layer in layers]))
    for label, names in ways:
        known = {one.labels[label]: one.layer for one in labelled}
        if len(known) == len(labelled) == len(layers) and set(known) == set(names):
            return [
                _held(known[name], layer, place) for place, (name, layer) in enumerate(zip(names, layers, strict=True))
            ]
    raise ModelFileError(
        f"its configuration tells of the layers {named(', '.join(layer.name for layer in layers))}, and its weights "
        f"are those of {named(', '.join(one.layer.name for one in labelled))}: not one model's"
    )


def _held(layer: Layer, told: Told, place: int) -> Layer:
    """A layer, held against what the configuration says of it, with its place."""
    if isinstance(layer, Recurrent):
        if layer.assumed and not told.resets_after:
            raise ModelFileError(
                f"layer {named(layer.name)} is a GRU that resets before the product (reset_after=False), another "
                f"recurrence than ours; expected reset_after=True, so train it again with that"
            )
        if told.kind in RECURRENT and told.kind.lower().endswith(layer.cell):
            return replace(layer, name=told.name, place=place, assumed="")
    elif told.kind == EMBEDDING and layer.bias is None:
        return replace(layer, name=told.name, place=place, told="embedding")
    elif told.kind == OUTPUT:
        return replace(layer, name=told.name, place=place, told="output")
    raise ModelFileError(f"layer {named(told.name)} is told to be a {told.kind}, and its weights are none of one")


def _texts(attributes: dict[str, Any], name: str) -> list[str]:
    """A list of texts, which Keras cuts in numbered parts where it is long."""
    whole = attributes.get(name)
    if isinstance(whole, list):
        return whole
    texts: list[str] = []
    part = 0
    while isinstance(more := attributes.get(f"{name}{part}"), list):
        texts, part = texts + more, part + 1
    return texts


def _version(attributes: dict[str, Any]) -> str:
    version = attributes.get("keras_version")
    return f" {named(version)}" if isinstance(version, str) and len(version) < 40 else ""
