"""Where the parameters start."""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from understudy.model.network import Layer, Network

Scheme = Literal["default", "keras"]
SCHEMES: tuple[Scheme, ...] = ("default", "keras")


@torch.no_grad()
def initialize(network: Network, scheme: Scheme, seed: int) -> None:
    """Fill all parameters, as a function of the scheme and the seed alone.

    "keras": what Keras gives the tutorial's model: embedding uniform(±0.05), Glorot-uniform kernels with the
    gates' rows counted together, Glorot-uniform recurrent kernels (the tutorial asks for them), zero biases.

    "default": embedding standard normal; kernels uniform(±1/√H) and orthogonal recurrent kernels, gate by gate
    (Saxe et al. 2013, arXiv:1312.6120); biases zero but an LSTM's forget gate, which starts at 1 so that the
    memory is kept at first (Jozefowicz et al. 2015).

    A table of n-grams starts empty.
    """
    generator = torch.Generator().manual_seed(seed)
    H = network.config.units
    if scheme == "keras":
        _fill(network.embedding.weight, lambda w: w.uniform_(-0.05, 0.05, generator=generator))
    else:
        _fill(network.embedding.weight, lambda w: w.normal_(generator=generator))
    for layer in network.layers:
        assert isinstance(layer, Layer)
        gates = layer.weight_hh.view(-1, H, H)
        if scheme == "keras":
            for weight in (layer.weight_ih, layer.weight_hh):
                _fill(weight, lambda w: nn.init.xavier_uniform_(w, generator=generator))
        else:
            _fill(layer.weight_ih, lambda w: w.uniform_(-1, 1, generator=generator).div_(math.sqrt(H)))
            for gate in gates:
                _fill(gate, lambda w: nn.init.orthogonal_(w, generator=generator))
        layer.bias_ih.zero_()
        layer.bias_hh.zero_()
        if scheme == "default" and network.config.cell == "lstm":
            layer.bias_ih[H : 2 * H] = 1
    _fill(network.output.weight, lambda w: nn.init.xavier_uniform_(w, generator=generator))
    network.output.bias.zero_()
    if network.ngrams is not None:
        network.ngrams.start()


def _fill(parameter: Tensor, fill: Callable[[Tensor], object]) -> None:
    """Draw on the CPU whatever the device, so that a seed means the same everywhere."""
    drawn = torch.empty(parameter.shape)
    fill(drawn)
    parameter.copy_(drawn)
