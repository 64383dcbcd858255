"""The equations, one step after another: what every faster implementation is held against.

All of it is in the type of the weights; `products` must be that type.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights, looked_up


def gru(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """Gated recurrent unit that resets after the matrix product, as in cuDNN, Keras and PyTorch.

        r = σ(W_r x + b_r + U_r h + c_r)
        z = σ(W_z x + b_z + U_z h + c_z)
        n = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))
        h' = (1 − z) ⊙ n + z ⊙ h

    Cho et al. 2014 (arXiv:1406.1078), the variant of its first version.
    """
    (h,) = state
    outputs = []
    for x in looked_up(inputs).to(products):
        x_r, x_z, x_n = F.linear(x, weights.weight_ih, weights.bias_ih).chunk(3, -1)
        h_r, h_z, h_n = F.linear(h, weights.weight_hh, weights.bias_hh).chunk(3, -1)
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return torch.stack(outputs), (h,)


def lstm(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """Long short-term memory with a forget gate.

        i, f, o = σ(W x + b + U h + c), each with its own rows
        g = tanh(W_g x + b_g + U_g h + c_g)
        c' = f ⊙ c + i ⊙ g
        h' = o ⊙ tanh(c')

    Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate.
    """
    h, c = state
    outputs = []
    for x in looked_up(inputs).to(products):
        gates = F.linear(x, weights.weight_ih, weights.bias_ih) + F.linear(h, weights.weight_hh, weights.bias_hh)
        i, f, g, o = gates.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs), (h, c)
