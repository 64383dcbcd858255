"""PyTorch's own kernels: oneDNN for an LSTM on a CPU, cuDNN on a GPU."""

import torch
from torch import Tensor

from understudy.model.recurrence.contract import LayerState, LayerWeights


def gru(inputs: Tensor, weights: LayerWeights, state: LayerState) -> tuple[Tensor, LayerState]:
    """`reference.gru` by PyTorch's kernel, in the type of `inputs`."""
    outputs, h = torch.gru(inputs, state[0][None], weights, True, 1, 0.0, True, False, False)
    return outputs, (h[0],)


def lstm(inputs: Tensor, weights: LayerWeights, state: LayerState) -> tuple[Tensor, LayerState]:
    """`reference.lstm` by PyTorch's kernel, in the type of `inputs`."""
    before = [part[None] for part in state]
    outputs, h, c = torch.lstm(inputs, before, weights, True, 1, 0.0, True, False, False)
    return outputs, (h[0], c[0])
