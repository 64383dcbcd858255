"""A model as Portable 1 computes with it: every matrix in eight bits (or float32), in the order in which it is used."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ModelFileError
from understudy.generation.portable import compiled
from understudy.generation.portable.arithmetic import LEVELS, STATE_LEVELS, Floats
from understudy.model.config import GATES, NGRAM_CODES, NGRAM_LENGTHS, NGRAM_TABLE, ModelConfig
from understudy.model.container import Tensors
from understudy.model.file import ModelFile

Numbers = Literal["int8", "float32"]
NUMBERS: tuple[Numbers, ...] = ("float32", "int8")
MAGIC, FORMAT, ALIGNMENT = b"UNDRSTDY", 1, 64
LARGEST_TABLE = 1 << 20
"""Numbers of a table that folds embedding and input matrix; a larger one would take more memory than it saves time."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix by rows.

    Attributes:
        rows: (N, K) int8 or float32.
        scales: (N,) float32, what a row's whole numbers are multiplied by; None where they are float32.
        bias: (N,) float32, what is added to the product; None where nothing is.
    """

    rows: NDArray[Any]
    scales: Floats | None = None
    bias: Floats | None = None


@dataclass(frozen=True, eq=False)
class NGramTable:
    """What n-grams add.

    Attributes:
        codes: (V,) uint32, what stands for each symbol in the hash.
        table: (N · R, D), a row for each hash.
        weight: (D, G·H) float32, what a row's sum goes through.
    """

    codes: NDArray[np.uint32]
    table: Matrix
    weight: Floats


@dataclass(frozen=True, eq=False)
class Packed:
    """A packed model.

    Attributes:
        config: its shape.
        numbers: what its matrices are made of.
        inputs: (V, G·H) what each symbol gives the first layer, or (V, E) where there is an `input_weight`.
        input_weight: (G·H, E), with the first layer's bias.
        ngrams: where the model has them.
        layers: for each layer (G·H + M, H): its own gates of the next step, and the input of the layer above (M = G·H)
            or the logits (M = V).
    """

    config: ModelConfig
    numbers: Numbers
    inputs: Matrix
    input_weight: Matrix | None
    ngrams: NGramTable | None
    layers: tuple[Matrix, ...]

    def sections(self) -> Iterator[NDArray[Any]]:
        """Its arrays in the order of the format."""
        matrices = [self.inputs] + ([self.input_weight] if self.input_weight else [])
        for matrix in matrices:
            yield from _parts(matrix)
        if self.ngrams:
            yield self.ngrams.codes
            yield from _parts(self.ngrams.table)
            yield self.ngrams.weight
        for matrix in self.layers:
            yield from _parts(matrix)

    @property
    def size(self) -> int:
        """The length of `to_bytes`."""
        return ALIGNMENT + sum(_aligned(section.nbytes) for section in self.sections())

    def to_bytes(self) -> bytes:
        """The packed model as every runtime reads it; for matrices in eight bits (docs/portable.md)."""
        assert self.numbers == "int8", "the format is for eight bits"
        config = self.config
        width = config.ngram_width if config.ngrams else 0
        fields = [FORMAT, int(config.cell == "lstm"), int(self.input_weight is not None), config.vocabulary]
        fields += [config.embedding, config.units, config.layers, config.ngrams, width, 0]
        whole = bytearray(self.size)
        whole[:48] = MAGIC + np.array(fields, "<u4").tobytes()
        whole[48:56] = np.array([len(whole)], "<u8").tobytes()
        place = ALIGNMENT
        for section in self.sections():
            little = section.astype(section.dtype.newbyteorder("<"), copy=False)
            whole[place : place + section.nbytes] = little.tobytes()
            place += _aligned(section.nbytes)
        return bytes(whole)


def pack(model: ModelFile, numbers: Numbers = "int8") -> Packed:
    """The model, packed; the same on every machine, to the last bit.

    Raises:
        ModelFileError: its weights are finite, and sums of them are not.
    """
    with np.errstate(all="ignore"):
        packed = _Packer(model.config, model.tensors, numbers).packed()
        sums = [part.sum(dtype=np.float64) for part in packed.sections() if part.dtype == np.float32]
    if not np.isfinite(sums).all():  # of float32 numbers a sum is finite where all of them are
        raise ModelFileError("the model's weights are so large that what it computes is not finite; train it anew")
    return packed


class _Packer:
    def __init__(self, config: ModelConfig, tensors: Tensors, numbers: Numbers) -> None:
        self.config, self.numbers = config, numbers
        self.codes = tensors.get(NGRAM_CODES)
        self.tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items() if name != NGRAM_CODES}

    def packed(self) -> Packed:
        config = self.config
        wide = GATES[config.cell] * config.units
        embedding, weight = self.tensors["embedding.weight"], self.tensors["layers.0.weight_ih"]
        bias = input_bias(config, self.tensors, 0)
        if config.vocabulary * wide <= LARGEST_TABLE:
            inputs, input_weight = self.matrix(compiled.folded(embedding, weight, bias)), None
        else:
            inputs, input_weight = self.matrix(embedding, levels=STATE_LEVELS), self.matrix(weight, bias)
        layers = tuple(self.layer(layer) for layer in range(config.layers))
        return Packed(config, self.numbers, inputs, input_weight, self.ngrams(weight), layers)

    def ngrams(self, weight: Floats) -> NGramTable | None:
        if self.codes is None:
            return None
        rows = self.tensors[NGRAM_TABLE]
        assert len(rows) == len(NGRAM_LENGTHS) * self.config.ngrams
        through = np.ascontiguousarray(weight[:, : self.config.ngram_width].T)
        return NGramTable(self.codes.astype(np.uint32), self.matrix(rows), through)

    def layer(self, layer: int) -> Matrix:
        """What a layer's h goes into: its own gates of the next step; the input of the layer above, or the logits."""
        config, tensors = self.config, self.tensors
        if layer + 1 < config.layers:
            above, bias = tensors[f"layers.{layer + 1}.weight_ih"], input_bias(config, tensors, layer + 1)
        else:
            above, bias = tensors["output.weight"], tensors["output.bias"]
        own = self.matrix(tensors[f"layers.{layer}.weight_hh"], own_bias(config, tensors, layer), state=True)
        return _joined(own, self.matrix(above, bias, state=True))

    def matrix(self, rows: Floats, bias: Floats | None = None, *, levels: int = LEVELS, state: bool = False) -> Matrix:
        """The rows in the numbers of the model; with `state`, for a product with whole numbers that stand for h."""
        if self.numbers == "float32":
            return Matrix(np.ascontiguousarray(rows), None, bias)
        whole, scales = compiled.quantised(rows, levels)
        return Matrix(whole, scales / np.float32(STATE_LEVELS) if state else scales, bias)


def _joined(one: Matrix, other: Matrix) -> Matrix:
    """The rows of both, one matrix's after the other's."""
    parts = zip(_parts(one), _parts(other), strict=True)
    rows, *numbers = (np.concatenate(pair) for pair in parts)
    return Matrix(rows, numbers[0] if one.scales is not None else None, numbers[-1])


def input_bias(config: ModelConfig, tensors: Tensors, layer: int) -> Floats:
    """What is added to a layer's input products: both biases, but for a GRU's n, which r scales."""
    inputs, recurrent = (tensors[f"layers.{layer}.bias_{part}"] for part in ("ih", "hh"))
    both: Floats = inputs + recurrent
    if config.cell == "gru":
        n = slice(2 * config.units, None)
        both[n] = inputs[n]
    return both


def own_bias(config: ModelConfig, tensors: Tensors, layer: int) -> Floats:
    """What is added to a layer's recurrent products: nothing but the GRU's c_n."""
    own: Floats = np.zeros_like(tensors[f"layers.{layer}.bias_hh"])
    if config.cell == "gru":
        n = slice(2 * config.units, None)
        own[n] = tensors[f"layers.{layer}.bias_hh"][n]
    return own


def _parts(matrix: Matrix) -> Iterator[NDArray[Any]]:
    yield from (part for part in (matrix.rows, matrix.scales, matrix.bias) if part is not None)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
