"""The GRU on a CPU: `reference.gru` with one matrix product a step each way and none of its waste.

The first layer's embedding and input matrix are one table that is looked up; for other layers the input products of all
steps are one product. The loop works in place in buffers that stay. Going forward it computes, while the gates are at
hand, the factors by which going backward multiplies, so that the way back is six operations a step. The gradient of
the recurrent matrix is one product over all steps and lanes.

With h' = n + z (h - n), n = tanh(a), a = x_n + r q, q = U_n h + c_n and dh the gradient that arrives at h':

    da   = dh · (1 - z)(1 - n²)            dz̃ = dh · (h - n) z (1 - z)
    dr̃  = da · q r (1 - r)                 dq  = da · r             dh_before = dh · z + [dz̃ dr̃ dq] U

tanh(a) is 2 σ(2a) - 1, which on these processors is several times as fast. In memory the gates lie in the orders that
make slices of one buffer [da dz̃ dr̃ dq] serve both the input (da dz̃ dr̃) and the recurrence (dz̃ dr̃ dq).
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights
from understudy.model.recurrence.inputs import Part, input_products, sums_by_symbol
from understudy.model.recurrence.packed import Packed
from understudy.model.recurrence.workspace import Pool


class CpuGru:
    """A `Recurrence`; keeps the buffers of the layers that it runs."""

    def __init__(self) -> None:
        self._pool = Pool()

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """See `Recurrence`."""
        H = weights.weight_hh.shape[1]
        order = torch.arange(3 * H).view(3, H)[[2, 1, 0]].flatten()  # r, z, n -> n, z, r
        bias = torch.cat([weights.bias_ih[: 2 * H] + weights.bias_hh[: 2 * H], weights.bias_ih[2 * H :]])
        source, ids = input_products(inputs, weights.weight_ih[order], bias[order], products)
        c_n = weights.bias_hh[2 * H :]
        outputs, h = _Gru.apply(  # type: ignore[no-untyped-call]
            source, ids, weights.weight_hh, c_n, state[0], products, self._pool
        )
        return outputs, (h,)


class _Gru(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        source: Tensor,
        ids: Tensor | None,
        weight: Tensor,
        c_n: Tensor,
        h: Tensor,
        products: torch.dtype,
        pool: Pool,
    ) -> tuple[Tensor, Tensor]:
        lease = pool.lease()
        space = lease.space
        T, (B, H), exact = (source if ids is None else ids).shape[0], h.shape, h.dtype
        learning = any(ctx.needs_input_grad)
        kept = T if learning else 1
        matrix = space.take("matrix", products, 3, H, H)  # z, r, n
        matrix.copy_(weight.view(3, H, H)[[1, 0, 2]])
        packed = Packed(matrix.view(3 * H, H), B)
        inputs_zr, inputs_n = Part(source, ids, slice(H, 3 * H), products), Part(source, ids, slice(0, H), exact)

        outputs = torch.empty(T, B, H, dtype=products)
        before = space.take("h before", products, kept, B, H)
        by_dh, by_da = (space.take(name, exact, kept, B, 2, H) for name in ("by dh", "by da"))
        z_all = space.take("z", exact, kept, B, H)
        gates, other = space.take("gates", exact, B, 3 * H), space.take("other", products, B, 3 * H)
        n, h_n = space.take("n", exact, B, H), space.take("h - n", exact, B, H)
        one = torch.ones((), dtype=exact)
        h = h.clone()
        rounded = before[0].copy_(h)
        for t in range(T):
            inputs_zr.fill(t, other[:, : 2 * H])
            other[:, 2 * H :].copy_(c_n)
            gates.copy_(packed.plus(rounded, other))
            zr, q = gates[:, : 2 * H].sigmoid_(), gates[:, 2 * H :]
            z, r = zr[:, :H], zr[:, H:]
            inputs_n.fill(t, n)
            n.addcmul_(r, q).mul_(2).sigmoid_().mul_(2).sub_(1)
            torch.sub(h, n, out=h_n)
            if learning:
                da_by_dh, dz_by_dh = by_dh[t].unbind(1)
                dr_by_da, dq_by_da = by_da[t].unbind(1)
                torch.addcmul(one, n, n, value=-1, out=da_by_dh)
                da_by_dh.addcmul_(da_by_dh, z, value=-1)
                torch.addcmul(z, z, z, value=-1, out=dz_by_dh).mul_(h_n)
                torch.addcmul(r, r, r, value=-1, out=dr_by_da).mul_(q)
                dq_by_da.copy_(r)
                z_all[t].copy_(z)
            torch.addcmul(n, z, h_n, out=h)
            rounded = outputs[t].copy_(h)
            if learning and t + 1 < T:
                before[t + 1].copy_(rounded)
        if learning:
            ctx.lease, ctx.ids, ctx.symbols = lease, ids, source.shape[0]
            ctx.saved = matrix, by_dh, by_da, z_all, before
        else:
            lease.give_back()
        return outputs, h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor) -> tuple[Tensor | None, ...]:
        space = ctx.lease.space
        matrix, by_dh, by_da, z_all, before = ctx.saved
        T, B, H = z_all.shape
        products, exact = before.dtype, z_all.dtype
        packed = Packed(matrix.view(3 * H, H).t().contiguous(), B)
        d_all = space.take("d", products, T, B, 4 * H)  # a, z, r, q
        d, arrived = space.take("d step", exact, B, 4, H), space.take("arrived", exact, B, H)
        out = space.take("d h", products, B, H)
        dh = d_h.clone()
        for t in range(T - 1, -1, -1):
            dh.add_(arrived.copy_(d_outputs[t]))
            torch.mul(dh[:, None], by_dh[t], out=d[:, :2])
            torch.mul(d[:, :1], by_da[t], out=d[:, 2:])
            d_all[t].copy_(d.view(B, 4 * H))
            through = packed.times(d_all[t, :, H:], out)
            dh.mul_(z_all[t]).add_(arrived.copy_(through))
        flat = d_all.view(T * B, 4 * H)
        d_matrix = torch.mm(before.view(T * B, H).t(), flat[:, H:])  # (H, 3H): z, r, q
        d_weight = torch.empty(3, H, H, dtype=exact)
        for place, gate in enumerate((1, 0, 2)):
            d_weight[gate].copy_(d_matrix[:, place * H : (place + 1) * H].t())
        if ctx.ids is None:
            d_source, d_c_n = d_all[..., : 3 * H], torch.ones(1, T * B, dtype=products) @ flat[:, 3 * H :]
        else:
            sums = sums_by_symbol(ctx.ids, ctx.symbols, d_all)
            d_source, d_c_n = sums[:, : 3 * H], sums[:, 3 * H :].sum(0)
        ctx.lease.give_back()
        return d_source, None, d_weight.view(3 * H, H), d_c_n.view(H).to(exact), dh, None, None
