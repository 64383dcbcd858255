"""Layers as a file holds them, before anything of them is read: what each is, by the shapes of its arrays."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign import gates
from understudy.foreign.reading import Array, Stored
from understudy.model.config import Cell

EXPECTED = "expected an Embedding, layers of GRU or LSTM and a Dense (Linear) layer, and nothing else"
_BACKWARD = re.compile(r"(^|[/.])backward_")


class Weights(NamedTuple):
    """A recurrent layer in our layout: (G·H, inputs), (G·H, H), (G·H,), (G·H,)."""

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array


@dataclass(frozen=True)
class Matrix:
    """An embedding or an output layer.

    Attributes:
        name: as the file names it.
        matrix: the vectors (V, E), or the output's matrix.
        bias: the output's (V,), where it has one.
        outputs_first: whether an output's matrix is (V, H), as PyTorch has it, and not (H, V).
        told: which of the two it is, where the file says so.
        place: its place in the order of layers, where the file tells one.
    """

    name: str
    matrix: Stored
    bias: Stored | None = None
    outputs_first: bool = False
    told: Literal["", "embedding", "output"] = ""
    place: int | None = None

    @property
    def output_shape(self) -> tuple[int, int]:
        """(V, H) of it as an output layer."""
        rows, columns = self.matrix.shape
        return (rows, columns) if self.outputs_first else (columns, rows)

    def output_weight(self) -> Array:
        """The matrix of an output layer, (V, H)."""
        found = self.matrix.read(self.name)
        return found if self.outputs_first else found.T.copy()


@dataclass(frozen=True)
class Recurrent:
    """A layer of GRU or LSTM.

    Attributes:
        name: as the file names it.
        cell: which of the two.
        inputs: the width of what it reads.
        units: H.
        read: its weights.
        assumed: what of its equations the shapes do not tell.
        certain: whether its layout is CuDNN's, which has one set of activations.
        place: its place in the order of layers, where the file tells one.
    """

    name: str
    cell: Cell
    inputs: int
    units: int
    read: Callable[[], Weights]
    assumed: str = ""
    certain: bool = False
    place: int | None = None


Layer = Matrix | Recurrent


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Attributes:
        format: in words.
        layers: its layers, in the order in which they were met.
        configured: whether how its layers are set is known, from a configuration or because there is but one way.
        ties: whether one matrix may be embedding and output layer.
    """

    format: str
    layers: list[Layer]
    configured: bool = False
    ties: bool = False


def placed(layer: Layer, place: int) -> Layer:
    """The layer with its place in the order."""
    return replace(layer, place=place)


def keras_layer(name: str, arrays: dict[str, Stored]) -> Layer:
    """The layer that has these arrays, by Keras's names or, where they are numbered, by their shapes.

    Raises:
        ModelFileError: it is none that we know; the message tells what it is, as far as its shapes do.
    """
    if _BACKWARD.search(name) or any(_BACKWARD.search(key) for key in arrays):
        raise ModelFileError(
            f"layer {named(name)} is Bidirectional: it reads what comes after a character, so it cannot write; "
            f"{EXPECTED}"
        )
    parts = {key.split("/")[-1].split(":")[0].lstrip("_"): stored for key, stored in arrays.items()}
    if len(parts) != len(arrays):
        raise _unknown(name, arrays)
    numbers = [str(number) for number in range(min(len(parts), 3))]
    if set(parts) == set(numbers):
        parts = _by_shape(name, [parts[number] for number in numbers])
    known = set(parts)
    if known == {"embeddings"}:
        return Matrix(name, _flat(name, parts["embeddings"]), told="embedding")
    if known == {"matrix"}:
        return Matrix(name, _flat(name, parts["matrix"]))
    if known in ({"kernel"}, {"kernel", "bias"}):
        return _dense(name, parts, arrays)
    if known in ({"kernel", "recurrent_kernel"}, {"kernel", "recurrent_kernel", "bias"}):
        return _recurrent(name, parts["kernel"], parts["recurrent_kernel"], parts.get("bias"))
    raise _unknown(name, arrays)


def _by_shape(name: str, arrays: list[Stored]) -> dict[str, Stored]:
    """Names for arrays that are only numbered: those of an embedding, a dense or a recurrent layer."""
    ranks = [len(array.shape) for array in arrays]
    if ranks == [2]:
        return {"matrix": arrays[0]}
    if ranks == [2, 1] and arrays[0].shape[1:] == arrays[1].shape:
        return {"kernel": arrays[0], "bias": arrays[1]}
    if ranks in ([2, 2], [2, 2, 1], [2, 2, 2]):
        return dict(zip(("kernel", "recurrent_kernel", "bias"), arrays, strict=False))
    raise _unknown(name, {str(place): array for place, array in enumerate(arrays)})


def _flat(name: str, stored: Stored) -> Stored:
    if len(stored.shape) != 2 or 0 in stored.shape:
        raise _unknown(name, {"": stored})
    return stored


def _dense(name: str, parts: dict[str, Stored], arrays: dict[str, Stored]) -> Matrix:
    kernel, bias = _flat(name, parts["kernel"]), parts.get("bias")
    if bias is not None and bias.shape != kernel.shape[1:]:
        raise _unknown(name, arrays)
    return Matrix(name, kernel, bias, told="output")


def _recurrent(name: str, kernel: Stored, recurrent: Stored, bias: Stored | None) -> Recurrent:
    """A recurrent layer of Keras, CuDNN's layouts included; the bias's shape tells which."""
    arrays = {"kernel": kernel, "recurrent_kernel": recurrent} | ({} if bias is None else {"bias": bias})
    if len(kernel.shape) != 2 or len(recurrent.shape) != 2 or 0 in kernel.shape + recurrent.shape:
        raise _unknown(name, arrays)
    (inputs, columns), (units, wide) = kernel.shape, recurrent.shape
    if columns != wide or wide not in (units, 3 * units, 4 * units):
        raise _unknown(name, arrays)
    if wide == units:
        raise ModelFileError(f"layer {named(name)} is a SimpleRNN, which has no gates; {EXPECTED}")
    cell: Cell = "gru" if wide == 3 * units else "lstm"
    form = () if bias is None else bias.shape
    if cell == "gru" and form == (3 * units,):
        raise ModelFileError(
            f"layer {named(name)} is a GRU that resets before the product (a bias of {3 * units}; reset_after=False, "
            f"as TensorFlow 1's GRU on a CPU): another recurrence than ours and CuDNN's, which no rearrangement of its "
            f"weights gives; expected reset_after=True or CuDNNGRU, so train it again, or train one here"
        )
    layouts = {
        ("gru", ()): gates.keras_gru,
        ("gru", (2, 3 * units)): gates.keras_gru,
        ("gru", (6 * units,)): gates.cudnn_gru,
        ("lstm", ()): gates.keras_lstm,
        ("lstm", (4 * units,)): gates.keras_lstm,
        ("lstm", (8 * units,)): gates.cudnn_lstm,
    }
    layout = layouts.get((cell, form))
    if layout is None:
        raise _unknown(name, arrays)

    def read() -> Weights:
        told = None if bias is None else bias.read(name)
        return Weights(*layout(kernel.read(name), recurrent.read(name), told))

    assumed = "it resets after the product (reset_after=True)" if cell == "gru" and bias is None else ""
    return Recurrent(name, cell, inputs, units, read, assumed, certain=layout in (gates.cudnn_gru, gates.cudnn_lstm))


def _unknown(name: str, arrays: dict[str, Stored]) -> ModelFileError:
    told = ", ".join(f"{key} {list(stored.shape)}".strip() for key, stored in list(arrays.items())[:6])
    return ModelFileError(f"layer {named(name)} holds {named(told)}, which is none of the layers wanted; {EXPECTED}")
