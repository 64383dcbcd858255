"""What every implementation of a recurrence takes and gives."""

from typing import NamedTuple, Protocol

from torch import Tensor

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


class Recurrence(Protocol):
    """A whole layer over a whole sequence."""

    def __call__(self, inputs: Tensor, weights: LayerWeights, state: LayerState) -> tuple[Tensor, LayerState]:
        """Inputs (T, B, E) and a state of (B, H) tensors give outputs (T, B, H) and the state after them."""
