"""Layers -> a model of ours: a chain, checked by its shapes before anything is read; then symbols in our order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named
from understudy.errors import ConfigError, ModelFileError
from understudy.foreign.layers import EXPECTED, Found, Matrix, Recurrent
from understudy.foreign.reading import Array
from understudy.model.config import ModelConfig


@dataclass(frozen=True)
class Chain:
    """A model's layers in order, not read yet.

    Attributes:
        embedding: V vectors.
        recurrent: the layers between.
        output: the logits; the embedding's matrix again where the two are tied.
        config: the model's shape.
        notes: what was assumed.
    """

    embedding: Matrix
    recurrent: list[Recurrent]
    output: Matrix
    config: ModelConfig
    notes: list[str]


def chain(found: Found) -> Chain:
    """The layers of a file as one model.

    Raises:
        ModelFileError: they are not one, or not one of ours; the message names the layer.
    """
    recurrent = [layer for layer in found.layers if isinstance(layer, Recurrent)]
    matrices = [layer for layer in found.layers if isinstance(layer, Matrix)]
    if not recurrent:
        raise ModelFileError(f"it has no layer of GRU or LSTM{_names(found)}; {EXPECTED}")
    embedding, output = _ends(matrices, recurrent, found)
    V, E = embedding.matrix.shape
    recurrent = _in_order(recurrent, E)
    _check_chain(embedding, recurrent, output)
    notes = [] if found.configured else _assumed(recurrent)
    if embedding is output:
        notes.append(f"tied: the output layer has the matrix of {named(embedding.name)}, for the file has no other")
    try:
        config = ModelConfig(recurrent[0].cell, V, E, recurrent[0].units, len(recurrent))
    except ConfigError as error:
        raise ModelFileError(f"larger than a model can be here: {error}") from error
    return Chain(embedding, recurrent, output, config, notes)


def tensors(chain: Chain, order: NDArray[np.int64]) -> dict[str, Array]:
    """A model's parameters by our names.

    Args:
        chain: its layers.
        order: which row of the file's vectors each of our symbols has, shape (V,), or fewer where some are left out.

    Raises:
        ModelFileError: what a layer holds is damaged, or no finite weights.
    """
    found = {"embedding.weight": chain.embedding.matrix.read(chain.embedding.name)[order]}
    for number, layer in enumerate(chain.recurrent):
        found |= {f"layers.{number}.{name}": array for name, array in layer.read()._asdict().items()}
    found["output.weight"] = chain.output.output_weight()[order]
    bias = chain.output.bias
    zeros: Array = np.zeros(chain.config.vocabulary, np.float32)
    found["output.bias"] = (zeros if bias is None else bias.read(chain.output.name))[order]
    return found


def _assumed(recurrent: list[Recurrent]) -> list[str]:
    """What the shapes do not tell of layers whose settings are not told."""
    notes = []
    if not all(layer.certain for layer in recurrent):
        notes.append(
            f"assumed, as the file tells no settings: sigmoid and tanh in its {recurrent[0].cell.upper()}; one with "
            f"hard_sigmoid, the default before Keras 2.3 and in TensorFlow 1, comes out as another model than it was"
        )
    notes += [f"assumed of {named(layer.name)}: {layer.assumed}" for layer in recurrent if layer.assumed]
    if len(recurrent) > 1:
        notes.append(f"assumed, in this order: {named(', '.join(layer.name for layer in recurrent))}")
    return notes


def _ends(matrices: list[Matrix], recurrent: list[Recurrent], found: Found) -> tuple[Matrix, Matrix]:
    """The embedding and the output layer."""
    outputs = [layer for layer in matrices if layer.told == "output" and layer.bias is not None]
    others = [layer for layer in matrices if not (layer.told == "output" and layer.bias is not None)]
    if len(outputs) > 1:
        raise ModelFileError(f"it has {len(outputs)} Dense layers: {_list(outputs)}; {EXPECTED}")
    if outputs and len(others) == 1:
        return others[0], outputs[0]
    if not outputs and len(others) == 2:
        return _told_apart(others, recurrent)
    if len(matrices) == 1 and found.ties:  # what is shared is kept once
        return matrices[0], matrices[0]
    raise ModelFileError(
        f"it has {len(others)} layers that may be the Embedding ({_list(others) or 'none'}) and {len(outputs)} Dense "
        f"({_list(outputs) or 'none'}); {EXPECTED}"
    )


def _told_apart(two: list[Matrix], recurrent: list[Recurrent]) -> tuple[Matrix, Matrix]:
    """Two matrices without a bias: which is the embedding, by what the file says, the shapes, and the order."""
    widths, H = {layer.inputs for layer in recurrent}, recurrent[0].units
    ways = []
    for embedding, output in ((two[0], two[1]), (two[1], two[0])):
        V, E = embedding.matrix.shape
        fits = E in widths and output.output_shape == (V, H)
        if fits and embedding.told != "output" and output.told != "embedding":
            ways.append((embedding, output))
    if len(ways) == 2 and None not in (two[0].place, two[1].place):
        ways.sort(key=lambda way: way[0].place or 0)
        return ways[0]
    if len(ways) != 1:
        raise ModelFileError(
            f"which of {_list(two)} is the embedding, and which the output layer, the file does not tell; {EXPECTED}"
        )
    return ways[0]


def _in_order(layers: list[Recurrent], width: int) -> list[Recurrent]:
    """The recurrent layers from the first to the last: by place, or where there is none by what they read."""
    if len(layers) == 1:
        return layers
    first = [layer for layer in layers if layer.inputs == width]
    if len(layers) == 2 and len(first) == 1:
        return sorted(layers, key=lambda layer: layer.inputs != width)
    if any(layer.place is None for layer in layers):
        raise ModelFileError(
            f"in which order {_list(layers)} follow each other, the file does not tell; expected names that end in "
            f"numbers, or a file with the configuration (model.save)"
        )
    return sorted(layers, key=lambda layer: layer.place or 0)


def _check_chain(embedding: Matrix, recurrent: list[Recurrent], output: Matrix) -> None:
    """Make sure that each layer reads what the one before it gives.

    Raises:
        ModelFileError: one does not; the message names it.
    """
    first = recurrent[0]
    width, before = embedding.matrix.shape[1], embedding.name
    for layer in recurrent:
        if (layer.cell, layer.units) != (first.cell, first.units):
            raise ModelFileError(
                f"{named(layer.name)} has {layer.units} units of {layer.cell.upper()}, and {named(first.name)} "
                f"{first.units} of {first.cell.upper()}: expected layers that are alike"
            )
        if layer.inputs != width:
            raise ModelFileError(
                f"{named(layer.name)} reads {layer.inputs} numbers, and {named(before)} gives {width}: expected the "
                f"same, in layers that follow each other"
            )
        width, before = layer.units, layer.name
    V = embedding.matrix.shape[0]
    if output.output_shape != (V, width):
        symbols, inputs = output.output_shape
        raise ModelFileError(
            f"{named(output.name)} gives {symbols} logits from {inputs} numbers: expected {V}, as many as the "
            f"embedding {named(embedding.name)} has symbols, from {width}"
        )


def _list(layers: "list[Matrix] | list[Recurrent]") -> str:
    return named(", ".join(layer.name for layer in layers[:8]))


def _names(found: Found) -> str:
    names = ", ".join(layer.name for layer in found.layers[:8])
    return f" among {named(names)}" if names else ""
