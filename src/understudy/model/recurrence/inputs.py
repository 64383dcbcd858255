"""What the input adds to a layer's gates: one table that is looked up, or one product for all steps."""

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.model.recurrence.contract import Embedded


def input_products(
    inputs: Tensor | Embedded, weight: Tensor, bias: Tensor, products: torch.dtype
) -> tuple[Tensor, Tensor | None]:
    """The input's products with `weight` (G·H, E), plus `bias`.

    Either a table (V, G·H) for every symbol, in the weights' type, with the ids (T, B) to look up in it; or, where
    there are more symbols than places in the batch, or no symbols, the products (T, B, G·H) themselves.
    """
    if isinstance(inputs, Embedded):
        if inputs.embedding.shape[0] <= inputs.ids.numel():
            return F.linear(inputs.embedding, weight, bias), inputs.ids
        inputs = F.embedding(inputs.ids, inputs.embedding)
    return F.linear(inputs.to(products), weight.to(products), bias.to(products)), None


class Part:
    """What the input adds to some columns of the gates, step by step."""

    def __init__(
        self,
        source: Tensor,
        ids: Tensor | None,
        columns: slice,
        dtype: torch.dtype,
        *,
        before: Tensor | None = None,
        scale: int = 1,
    ) -> None:
        """Choose columns of what `input_products` gave, in the type of the gates that they are added to.

        Args:
            source: the table or the products.
            ids: what to look up in the table.
            columns: which of its columns.
            dtype: the type of the gates.
            before: the same values for every step and lane, to stand before the columns.
            scale: what to multiply by.
        """
        self._ids, self._scale, self._before = ids, scale, before
        self._source = source[..., columns]
        if ids is not None:
            table = self._source * scale
            if before is not None:
                table = torch.cat([before.expand(len(table), -1), table], 1)
            self._source = table.to(dtype)

    def fill(self, t: int, out: Tensor) -> Tensor:
        """Put step t's columns (B, ·) into `out`; `out`."""
        if self._ids is not None:
            return torch.index_select(self._source, 0, self._ids[t], out=out)
        if self._before is not None:
            out[:, : len(self._before)] = self._before
            out[:, len(self._before) :] = self._source[t]
        else:
            out.copy_(self._source[t])
        return out.mul_(self._scale) if self._scale != 1 else out


ONE_HOT_LIMIT = 512


def sums_by_symbol(ids: Tensor, symbols: int, d: Tensor) -> Tensor:
    """The rows of d (T, B, K) summed over the places of each symbol, (V, K), in float32 or better."""
    flat_ids, flat = ids.flatten(), d.flatten(0, 1)
    exact = torch.float32 if d.dtype == torch.bfloat16 else d.dtype
    if symbols <= ONE_HOT_LIMIT:
        hot = torch.zeros(symbols, len(flat_ids), dtype=d.dtype)
        hot.scatter_(0, flat_ids[None], 1)
        return torch.mm(hot, flat).to(exact)
    return torch.zeros(symbols, flat.shape[1], dtype=exact).index_add_(0, flat_ids, flat.to(exact))
