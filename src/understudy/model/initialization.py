"""Where the parameters start."""

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from understudy.model.chance import philox
from understudy.model.network import Layer, Network

Numbers = NDArray[np.float64]
Scheme = Literal["default", "keras"]
SCHEMES: tuple[Scheme, ...] = ("default", "keras")


@torch.no_grad()
def initialize(network: Network, scheme: Scheme, seed: int, *, embedding_alone: bool = False) -> None:
    """Fill all parameters, as a function of the scheme and the seed alone.

    Or the embedding alone, to the same numbers, where the others come from a model.

    "keras": what Keras gives the tutorial's model: embedding uniform(±0.05), Glorot-uniform kernels with the
    gates' rows counted together, Glorot-uniform recurrent kernels (the tutorial asks for them), zero biases.

    "default": embedding standard normal; kernels uniform(±1/√H) and orthogonal recurrent kernels, gate by gate
    (Saxe et al. 2013, arXiv:1312.6120); biases zero but an LSTM's forget gate, which starts at 1 so that the
    memory is kept at first (Jozefowicz et al. 2015).

    A table of n-grams starts empty.
    """
    draw = np.random.Generator(philox(seed, "start"))
    H = network.config.units
    if scheme == "keras":
        _fill(network.embedding.weight, draw.uniform(-0.05, 0.05, network.embedding.weight.shape))
    else:
        _fill(network.embedding.weight, draw.standard_normal(network.embedding.weight.shape))
    if embedding_alone:
        return
    for layer in network.layers:
        assert isinstance(layer, Layer)
        if scheme == "keras":
            for weight in (layer.weight_ih, layer.weight_hh):
                _fill(weight, _glorot(draw, weight.shape))
        else:
            _fill(layer.weight_ih, draw.uniform(-1, 1, layer.weight_ih.shape) / math.sqrt(H))
            for gate in layer.weight_hh.view(-1, H, H):
                _fill(gate, _orthogonal(draw, H))
        layer.bias_ih.zero_()
        layer.bias_hh.zero_()
        if scheme == "default" and network.config.cell == "lstm":
            layer.bias_ih[H : 2 * H] = 1
    _fill(network.output.weight, _glorot(draw, network.output.weight.shape))
    network.output.bias.zero_()
    if network.ngrams is not None:
        network.ngrams.start()


def _fill(parameter: Tensor, drawn: Numbers | Tensor) -> None:
    """Put in what was drawn on the CPU whatever the device, so that a seed means the same everywhere."""
    parameter.copy_(torch.as_tensor(drawn))


def _glorot(draw: np.random.Generator, shape: tuple[int, ...]) -> Numbers:
    """Uniform, with a variance of 2 / (inputs + outputs) (Glorot and Bengio 2010)."""
    limit = math.sqrt(6 / sum(shape))
    return draw.uniform(-limit, limit, shape)


def _orthogonal(draw: np.random.Generator, size: int) -> Tensor:
    """An orthogonal matrix, each as likely as any other (Mezzadri 2007, section 5)."""
    q, r = torch.linalg.qr(torch.from_numpy(draw.standard_normal((size, size), np.float32)))
    found: Tensor = q * r.diagonal().sign()
    return found
