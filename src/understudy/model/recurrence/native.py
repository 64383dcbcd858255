"""PyTorch's own kernels: oneDNN for an LSTM on a CPU, cuDNN on a GPU."""

import torch
from torch import Tensor

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights, looked_up


def gru(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """`reference.gru` by PyTorch's kernel; all of it is in the type of the products."""
    x, cast = looked_up(inputs).to(products), [weight.to(products) for weight in weights]
    outputs, h = torch.gru(x, state[0].to(products)[None], cast, True, 1, 0.0, True, False, False)
    return outputs, (h[0].to(state[0].dtype),)


def lstm(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """`reference.lstm` by PyTorch's kernel; all of it is in the type of the products."""
    x, cast = looked_up(inputs).to(products), [weight.to(products) for weight in weights]
    before = [part.to(products)[None] for part in state]
    outputs, *after = torch.lstm(x, before, cast, True, 1, 0.0, True, False, False)
    return outputs, tuple(part[0].to(old.dtype) for part, old in zip(after, state, strict=True))
