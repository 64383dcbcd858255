"""What the input adds to a layer's gates: one table that is looked up, or one product for all steps."""

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.model.recurrence.contract import Embedded, check_ids


def input_products(
    inputs: Tensor | Embedded, weight: Tensor, bias: Tensor, products: torch.dtype
) -> tuple[Tensor, Tensor | None]:
    """The input's products with `weight` (G·H, E), plus `bias`.

    Either a table (V, G·H) for every symbol, in the weights' type, with the ids (T, B) to look up in it; or, where
    there are more symbols than places in the batch, or no symbols, the products (T, B, G·H) themselves.

    Raises:
        TextError: an id is not one of the embedding's; the kernels would read and write beyond the table.
    """
    if isinstance(inputs, Embedded):
        inputs = check_ids(inputs)
        if inputs.embedding.shape[0] <= inputs.ids.numel():
            return F.linear(inputs.embedding, weight, bias), inputs.ids
        inputs = F.embedding(inputs.ids, inputs.embedding)
    return F.linear(inputs.to(products), weight.to(products), bias.to(products)), None
