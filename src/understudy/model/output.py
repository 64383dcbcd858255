"""The output layer and the loss of a whole batch in one.

Logits are wanted only for the loss and its gradient, so they are made, turned into the gradient and rounded some places
at a time, while they are in the cache. With thousands of symbols that is a good part of a step's time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from understudy.model.workspace import Pool

_IN_CACHE = 1 << 18
"""So many logits at a time: a megabyte."""


def cross_entropy(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, pool: Pool) -> Tensor:
    """Mean nats of `targets` under the softmax of the output layer, in the type of its parameters.

    Args:
        hidden: what the last layer gave, (N, H), in the type of the matrix products.
        weight: (V, H).
        bias: (V,).
        targets: ids (N,).
        pool: memory to work in.
    """
    loss: Tensor = _CrossEntropy.apply(hidden, weight, bias, targets, pool)  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, pool: Pool) -> Tensor:
        (N, _), V = hidden.shape, len(weight)
        matrix, offset = weight.to(hidden.dtype), bias.to(hidden.dtype)
        lease, on_cpu = pool.lease(), hidden.device.type == "cpu"
        d_logits = lease.space.take("d logits", hidden.dtype, N, V) if on_cpu else hidden.new_empty(N, V)
        losses = torch.empty(N, dtype=weight.dtype, device=hidden.device)
        rows = max(1, _IN_CACHE // V) if on_cpu else N
        minus_one = losses.new_full((min(rows, N), 1), -1)
        for first in range(0, N, rows):
            part, wanted = slice(first, first + rows), targets[first : first + rows, None]
            shares = F.log_softmax(F.linear(hidden[part], matrix, offset).to(weight.dtype), 1)
            losses[part] = shares.gather(1, wanted)[:, 0].neg_()
            d_logits[part] = shares.exp_().scatter_add_(1, wanted, minus_one[: len(wanted)])
        ctx.lease, ctx.exact, ctx.saved = lease, weight.dtype, (hidden, matrix, d_logits)
        return losses.mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:
        hidden, matrix, d_logits = ctx.saved
        d_bias = d_logits.sum(0, dtype=ctx.exact)  # first: on a GPU a product must not be a thread's first work
        d_hidden, d_weight = d_logits @ matrix, (d_logits.t() @ hidden).to(ctx.exact)
        ctx.lease.give_back()
        share = d_loss / len(hidden)
        return d_hidden.mul_(share), d_weight.mul_(share), d_bias.mul_(share), None, None
