"""One matrix multiplied again and again, a step at a time."""

import torch
from torch import Tensor


class Packed:
    """x ↦ x Wᵀ for a fixed W (N, K), laid out once as the processor's kernels want it.

    A step multiplies only B rows, so that laying the matrix out anew each time, as an ordinary product does, costs a
    fifth of the product. Where PyTorch does not offer the packed kernels, ordinary products serve.
    """

    def __init__(self, weight: Tensor, rows: int) -> None:
        self._transposed = weight.t()
        self._packed = _pack(weight, rows)

    def times(self, x: Tensor, out: Tensor) -> Tensor:
        """The product x Wᵀ (B, N) for x (B, K): in `out`, or in memory of its own."""
        if self._packed is not None:
            packed: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, None, "none", [], "")
            return packed
        return torch.mm(x, self._transposed, out=out)

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """The sum other + x Wᵀ (B, N) for x (B, K); `other` may be overwritten."""
        if self._packed is not None:
            packed: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, self._packed, None, "add")
            return packed
        return torch.addmm(other, x, self._transposed, out=other)


def _pack(weight: Tensor, rows: int) -> Tensor | None:
    """The matrix as oneDNN wants it for so many rows, or None where there is no such thing for its type."""
    if weight.dtype != torch.bfloat16:
        return None
    try:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    except (AttributeError, RuntimeError):
        return None
    return packed
