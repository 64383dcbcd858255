"""PyTorch's own kernels: oneDNN for an LSTM on a CPU, cuDNN on a GPU."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights, looked_up


def gru(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """`reference.gru` by PyTorch's kernel; all of it is in the type of the products."""
    x, cast = looked_up(inputs).to(products), [weight.to(products) for weight in weights]
    with _unflattened():
        outputs, h = torch.gru(x, state[0].to(products)[None], cast, True, 1, 0.0, True, False, False)
    return outputs, (h[0].to(state[0].dtype),)


def lstm(
    inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
) -> tuple[Tensor, LayerState]:
    """`reference.lstm` by PyTorch's kernel; all of it is in the type of the products."""
    x, cast = looked_up(inputs).to(products), [weight.to(products) for weight in weights]
    before = [part.to(products)[None] for part in state]
    with _unflattened():
        outputs, *after = torch.lstm(x, before, cast, True, 1, 0.0, True, False, False)
    return outputs, tuple(part[0].to(old.dtype) for part, old in zip(after, state, strict=True))


@contextmanager
def _unflattened() -> Iterator[None]:
    """Let cuDNN copy the weights into one piece at each call, as it has to for weights in another type, unsaid."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        yield
