"""The output layer and the loss of a whole batch in one.

Logits are wanted only for the loss and its gradient, so they are made, turned into the gradient and rounded some places
at a time, while they are in the cache. With thousands of symbols that is a good part of a step's time. What the
gradient comes to in the parameters is summed as soon as there is a block of it, so that no batch and no vocabulary
needs more memory than the parameters themselves and that block.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from understudy.model.workspace import Pool

_IN_CACHE = 1 << 18
"""So many logits at a time: a megabyte."""
_AT_ONCE = 1 << 24
"""So many gradients of logits, or one place's where that is more, go into a product: what most batches have in all."""


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
        block = max(1, min(N, _AT_ONCE // V))
        d_logits = lease.space.take("d logits", hidden.dtype, block, V) if on_cpu else hidden.new_empty(block, V)
        losses = torch.empty(N, dtype=weight.dtype, device=hidden.device)
        rows = max(1, _IN_CACHE // V) if on_cpu else block
        minus_one = losses.new_full((min(rows, block), 1), -1)
        d_hidden, d_weight, d_bias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        for begin in range(0, N, block):
            end = min(begin + block, N)
            for first in range(begin, end, rows):
                part = slice(first, min(first + rows, end))
                wanted = targets[part, None]
                shares = F.log_softmax(F.linear(hidden[part], matrix, offset).to(weight.dtype), 1)
                losses[part] = shares.gather(1, wanted)[:, 0].neg_()
                d_logits[first - begin : part.stop - begin] = shares.exp_().scatter_add_(
                    1, wanted, minus_one[: len(wanted)]
                )
            made, before = d_logits[: end - begin], hidden[begin:end]
            torch.mm(made, matrix, out=d_hidden[begin:end])
            d_bias += made.sum(0, dtype=weight.dtype)
            if made.dtype == weight.dtype:
                d_weight.addmm_(made.t(), before, beta=1 if begin else 0)
            else:
                d_weight += made.t() @ before
        lease.give_back()
        ctx.gradients, ctx.places = (d_hidden, d_weight, d_bias), N
        return losses.mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_loss: Tensor) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        if gradients is None:
            raise RuntimeError("the gradient of a loss can be taken only once")
        share = d_loss / ctx.places
        return *(part.mul_(share) for part in gradients), None, None
