"""One matrix multiplied again and again, a step at a time."""

import torch
from torch import Tensor


class Packed:
    """x ↦ x Wᵀ for a fixed W (N, K), laid out once as oneDNN's kernels want it.

    A step multiplies only B rows, so that laying the matrix out anew each time, as an ordinary product does, costs a
    fifth of a bfloat16 product, and half of a float32 one where PyTorch's own library for it does not know the
    processor. Where PyTorch does not offer the packed kernels (or for float64), ordinary products serve.
    """

    def __init__(self, weight: Tensor, rows: int) -> None:
        """Lay out `weight` (N, K) for products with `rows` rows."""
        self._transposed = weight.t()
        self._packed = _pack(weight, rows)

    def times(self, x: Tensor) -> Tensor:
        """The product x Wᵀ (B, N) for x (B, K)."""
        if self._packed is not None:
            packed: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, None, "none", [], "")
            return packed
        return torch.mm(x, self._transposed)


def _pack(weight: Tensor, rows: int) -> Tensor | None:
    """The matrix as oneDNN wants it for so many rows, or None where there is no such thing for its type."""
    if weight.dtype not in (torch.bfloat16, torch.float32):
        return None
    try:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    except (AttributeError, RuntimeError):
        return None
    return packed
