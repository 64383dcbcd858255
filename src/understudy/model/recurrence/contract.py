"""What every implementation of a recurrence takes and gives."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.errors import TextError

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

        Raises:
            TextError: an id is outside of the embedding.
        """


def check_ids(inputs: Embedded) -> Embedded:
    """The inputs with ids that the kernels can take: int64, each of them a row of the table.

    Raises:
        TextError: one is not; what does the looking up may not ask again.
    """
    ids, symbols = inputs.ids.long(), len(inputs.embedding)
    if ids.numel():
        low, high = (int(end) for end in ids.aminmax())
        if low < 0 or high >= symbols:
            wrong = low if low < 0 else high
            raise TextError(
                f"an id of {wrong} in a text, expected 0 to {symbols - 1}: it was encoded with another vocabulary, or "
                "damaged since; encode it again"
            )
    return Embedded(ids, inputs.embedding)


def looked_up(inputs: Tensor | Embedded) -> Tensor:
    """The inputs as vectors, (T, B, E).

    Raises:
        TextError: an id is not one of the embedding's; a GPU is not waited for to find out.
    """
    if not isinstance(inputs, Embedded):
        return inputs
    ids, embedding = check_ids(inputs) if inputs.ids.device.type == "cpu" else inputs
    return F.embedding(ids, embedding)
