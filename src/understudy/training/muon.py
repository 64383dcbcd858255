"""Muon: momentum whose matrices are made orthogonal before they are taken as steps (Jordan et al. 2024)."""

import math

import torch
from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 3
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_MATCHED_RMS = 0.2


def orthogonalized(matrix: Tensor, products: torch.dtype, iterations: int = ITERATIONS) -> Tensor:
    """A matrix (M, N) with its singular values brought towards one, by Newton and Schulz's iteration.

    The quintic's coefficients are Jordan's, chosen for a steep start: a few iterations bring most singular values
    between 0.7 and 1.2, which serves as well as one. Three do as well here as his five, in half the time.

    One iteration is x ← x P with P = a + b G + c G² and G = xᵀx. All of them commute with G, so the iterations are made
    on G alone, which is the smaller by the number of gates: G ← P G P, and x meets the product of all P at the end.
    """
    a, b, c = _COEFFICIENTS
    wide = matrix.shape[0] < matrix.shape[1]
    x = matrix.t() if wide else matrix
    x = (x / (x.norm() + 1e-7)).to(products)
    gram, whole = x.t() @ x, torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    for done in range(iterations):
        polynomial = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal().add_(a)
        whole = whole @ polynomial if done else polynomial
        if done + 1 < iterations:
            gram = polynomial @ gram @ polynomial
    turned: Tensor = x @ whole
    return (turned.t() if wide else turned).to(matrix.dtype)


@torch.no_grad()
def step(
    weight: Tensor, gradient: Tensor, momentum: Tensor, rate: Tensor | float, decay: float, products: torch.dtype
) -> None:
    """Update a layer's matrix (G·H, ·), all gates together, at a rate that may lie on its device.

    With Nesterov's momentum. The step is scaled so that its elements are about as large as those of AdamW's (Liu et
    al. 2025, arXiv:2502.16982, section 2.2), so that one rate and one decay serve both.
    """
    momentum.mul_(MOMENTUM).add_(gradient)
    ahead = torch.add(gradient, momentum, alpha=MOMENTUM)
    scale = _MATCHED_RMS * math.sqrt(max(ahead.shape))
    weight.mul_(1 - rate * decay).sub_(orthogonalized(ahead, products).mul_(rate * scale))
