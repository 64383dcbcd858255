"""Muon: momentum whose matrices are made orthogonal before they are taken as steps (Jordan et al. 2024)."""

import math

import torch
from torch import Tensor

from understudy.ranks.contract import Alone, Shared

ITERATIONS = 3
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_MATCHED_RMS = 0.2
_WORTH_SHARING = 768
"""Below it, processes of one host are done alone sooner than they have told each other (benchmarks/ranks.py)."""
_BLOCK, _WORTH_CUTTING = 256, 512
"""A symmetric product is made in blocks of so many rows, where it has so many: below that, cutting takes longer."""


def orthogonalized(
    matrix: Tensor, products: torch.dtype, near: Shared | None = None, iterations: int = ITERATIONS
) -> Tensor:
    """A matrix (M, N) with its singular values brought towards one, by Newton and Schulz's iteration.

    The quintic's coefficients are Jordan's, chosen for a steep start: a few iterations bring most singular values
    between 0.7 and 1.2, which serves as well as one. Three do as well here as his five, in half the time.

    One iteration is x ← x P with P = a + b G + c G² and G = xᵀx. All of them commute with G, so the iterations are made
    on G alone, which is the smaller by the number of gates: G ← P G P, and x meets the product of all P at the end.
    All but that last product are symmetric, so that half of each is enough (`symmetric`).

    Args:
        matrix: the same on all ranks.
        products: the type of the products.
        near: the ranks that share out the rows of each product, where it is large enough.
        iterations: one at least.
    """
    a, b, c = _COEFFICIENTS
    wide = matrix.shape[0] < matrix.shape[1]
    x = matrix.t() if wide else matrix
    x = (x / (x.norm() + 1e-7)).to(products)
    M, N = x.shape
    shared = near if near is not None and N >= _WORTH_SHARING else Alone()
    rows = shared.part(N)
    product = symmetric if rows == slice(0, N) and x.device.type == "cpu" else added
    gram = whole = shared.joined(product(x.t()[rows], x), N)
    for done in range(iterations):
        polynomial = shared.joined(product(gram[rows], gram, c, gram[rows], b), N)
        polynomial.diagonal().add_(a)
        whole = product(whole, polynomial) if done else polynomial[rows]
        if done + 1 < iterations:
            gram = shared.joined(product(product(polynomial[rows], gram), polynomial), N)
    turned = shared.joined(x[shared.part(M)] @ shared.joined(whole, N), M)
    return (turned.t() if wide else turned).to(matrix.dtype)


def added(left: Tensor, right: Tensor, times: float = 1, more: Tensor | None = None, often: float = 0) -> Tensor:
    """`times` · left right + `often` · more."""
    return left @ right if more is None else torch.addmm(more, left, right, beta=often, alpha=times)


def symmetric(left: Tensor, right: Tensor, times: float = 1, more: Tensor | None = None, often: float = 0) -> Tensor:
    """What `added` gives, (N, N), where it is known to be symmetric: the lower half in blocks, the upper its mirror."""
    N = left.shape[0]
    if N < _WORTH_CUTTING:
        return added(left, right, times, more, often)
    whole = left.new_empty(N, N)
    for start in range(0, N, _BLOCK):
        end = min(N, start + _BLOCK)
        lower = whole[start:end, :end]
        torch.addmm(
            lower if more is None else more[start:end, :end],
            left[start:end],
            right[:, :end],
            beta=often,
            alpha=times,
            out=lower,
        )
        whole[:start, start:end] = lower[:, :start].t()
    return whole


@torch.no_grad()
def step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    rate: Tensor | float,
    momentum: float,
    decay: float,
    products: torch.dtype,
    near: Shared | None = None,
) -> None:
    """Update a layer's matrix (G·H, ·), all gates together, at a rate that may lie on its device.

    With Nesterov's momentum, whose `mean` of the gradients is updated too. The step is scaled so that its elements are
    about as large as those of AdamW's (Liu et al. 2025, arXiv:2502.16982, section 2.2), so that one rate and one decay
    serve both.
    """
    mean.mul_(momentum).add_(gradient)
    ahead = torch.add(gradient, mean, alpha=momentum)
    scale = _MATCHED_RMS * math.sqrt(max(ahead.shape))
    weight.mul_(1 - rate * decay).sub_(orthogonalized(ahead, products, near).mul_(rate * scale))
