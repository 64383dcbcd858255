"""The recurrences on a CPU: `reference` with one matrix product and one fused kernel a step each way.

Where the processor allows, the product is made inside the kernel, and one call does all steps (`kernels/sequences.h`).

The first layer's embedding and input matrix are one table that is looked up; for other layers the input products of all
steps are one product. The loop works in buffers that stay. Gates are kept, not computed again, in 16 bits where the
products are in bfloat16. The gradient of the recurrent matrix is one product over all steps and lanes; that of the
table is summed by symbol in the kernel, while its rows are in cache. The equations of both ways are in `kernels/`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.model.config import Cell
from understudy.model.forked import check_learning
from understudy.model.recurrence.compiled import Kernels, kept_type
from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights
from understudy.model.recurrence.inputs import input_products
from understudy.model.recurrence.packed import Packed
from understudy.model.workspace import Pool


@dataclass(frozen=True)
class _Setting:
    """What does not change from call to call."""

    cell: Cell
    products: torch.dtype
    pool: Pool


class CpuRecurrence:
    """A `Recurrence`; keeps the buffers of the layers that it runs."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._pool = Pool()

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """See `Recurrence`.

        Raises:
            ConfigError: gradients are asked for in a process where PyTorch takes none.
        """
        if torch.is_grad_enabled():
            check_learning()
        weight_ih, bias, c_n = weights.weight_ih, weights.bias_ih + weights.bias_hh, None
        if self._cell == "gru":  # the kernel's order of inputs: n, r, z
            n, rz, c_n = slice(2 * len(bias) // 3, None), slice(0, 2 * len(bias) // 3), weights.bias_hh.chunk(3)[2]
            weight_ih, bias = torch.cat([weight_ih[n], weight_ih[rz]]), torch.cat([weights.bias_ih[n], bias[rz]])
        source, ids = input_products(inputs, weight_ih, bias, products)
        setting = _Setting(self._cell, products, self._pool)
        outputs, *after = _Sequence.apply(  # type: ignore[no-untyped-call]
            source, ids, weights.weight_hh, c_n, state[0], state[-1], setting
        )
        return outputs, tuple(after[: len(state)])


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        source: Tensor,
        ids: Tensor | None,
        weight: Tensor,
        c_n: Tensor | None,
        h: Tensor,
        c: Tensor,
        setting: _Setting,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        lease = setting.pool.lease()
        space, products, gru = lease.space, setting.products, setting.cell == "gru"
        T, (B, H), exact = (source if ids is None else ids).shape[0], h.shape, h.dtype
        learning = any(ctx.needs_input_grad)
        kernels = Kernels(setting.cell, products, B, H, keeps=learning)
        hidden, last = torch.empty(T + 1, B, H, dtype=products), h.clone(memory_format=torch.contiguous_format)
        hidden[0].copy_(h)
        gates = space.take("gates", kept_type(products), T if learning else 1, B, 4 * H)
        carried = None
        if not gru:
            carried = space.take("c", exact, T + 1 if learning else 1, B, H)
            carried[0].copy_(c)
        kernels.use(
            ids=None if ids is None else ids.contiguous(),
            source=source.to(products).contiguous(),
            bias=None if c_n is None else c_n.contiguous(),
            hidden=hidden,
            last=last,
            carried=carried,
            gates=gates,
            weight=weight.contiguous(),
            panels=space.take("panels", products, weight.numel()) if kernels.whole else None,
        )
        if kernels.whole:
            kernels.forward_sequence(T)
        else:
            matrix = space.take("matrix", products, *weight.shape).copy_(weight)
            packed, step = Packed(matrix, B), kernels.step("forward")
            for t, before in enumerate(hidden[:-1].unbind()):
                step(t, packed.times(before))
        if learning:
            ctx.lease, ctx.kernels, ctx.setting = lease, kernels, setting
            ctx.save_for_backward(weight)
            ctx.saved = hidden, None if ids is None else source.shape
        else:
            lease.give_back()
        return hidden[1:], last, None if carried is None else carried[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor, d_c: Tensor | None) -> tuple[Tensor | None, ...]:
        space, kernels, gru = ctx.lease.space, ctx.kernels, ctx.setting.cell == "gru"
        (weight,), (hidden, table) = ctx.saved_tensors, ctx.saved
        products, exact, (steps, B, H), columns = hidden.dtype, weight.dtype, hidden.shape, len(weight)
        T = steps - 1
        d_gates = space.take("d gates", products, T, B, columns)
        d_inputs = space.take("d inputs", products, T if table is None else 1, B, columns) if gru else d_gates
        d_carried = torch.zeros(B, H, dtype=exact) if d_c is None else d_c.clone(memory_format=torch.contiguous_format)
        d_table = None if table is None else torch.zeros(table, dtype=exact)
        d_bias = torch.zeros(H, dtype=exact) if gru else None
        kernels.use(
            d_outputs=d_outputs.contiguous(),
            d_carried=d_carried,
            d_gates=d_gates,
            d_inputs=d_inputs,
            d_table=d_table,
            d_bias=d_bias,
        )
        arriving = d_h.to(products).contiguous()
        if kernels.whole:
            d_before = torch.empty(B, H, dtype=exact)
            kernels.use(arriving=d_before)
            kernels.backward_sequence(T, arriving)
        else:
            packed = Packed(space.take("transposed", products, H, columns).copy_(weight.t()), B)
            step, d_gates_each = kernels.step("backward"), d_gates.unbind()
            for t in range(T - 1, -1, -1):
                step(t, arriving)
                arriving = packed.times(d_gates_each[t])
            d_before = arriving.to(exact)
        rounded = space.take("d weight", products, columns, H) if products != exact else None
        d_weight = torch.mm(d_gates.view(T * B, columns).t(), hidden[:-1].view(T * B, H), out=rounded).to(exact)
        ctx.lease.give_back()
        d_source = d_inputs if d_table is None else d_table
        if gru:
            return d_source, None, d_weight, d_bias, d_before.add_(d_carried), None, None
        return d_source, None, d_weight, None, d_before, d_carried, None
