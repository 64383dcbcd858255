"""What every implementation of a recurrence takes and gives."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

LayerState = tuple[Tensor, ...]


class LayerWeights(NamedTuple):
    """The parameters of one layer; gates stacked in the order r, z, n (GRU) or i, f, g, o (LSTM).

    Attributes:
        weight_ih: (G·H, E).
        weight_hh: (G·H, H).
        bias_ih: (G·H,).
        bias_hh: (G·H,).
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


class Embedded(NamedTuple):
    """The inputs of a first layer before they are looked up, so that more can be folded into the table.

    Attributes:
        ids: (T, B).
        embedding: (V, E).
    """

    ids: Tensor
    embedding: Tensor


class Recurrence(Protocol):
    """A whole layer over a whole sequence."""

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """Inputs (T, B, E) and a state of (B, H) tensors give outputs (T, B, H) and the state after them.

        Weights and state are in their own type (float32, or float64 in tests). The matrix products, and the outputs,
        are in `products`: that type, or bfloat16.
        """


def looked_up(inputs: Tensor | Embedded) -> Tensor:
    """The inputs as vectors, (T, B, E)."""
    return F.embedding(inputs.ids, inputs.embedding) if isinstance(inputs, Embedded) else inputs
