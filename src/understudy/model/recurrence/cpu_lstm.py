"""The LSTM on a CPU: `reference.lstm` in the same manner as `cpu_gru`.

With c' = f c + i g, h' = o tanh(c'), dh and dc the gradients that arrive at h' and c':

    dc  += dh · o (1 - tanh²(c'))        dõ = dh · tanh(c') o (1 - o)
    dĩ   = dc · g i (1 - i)              df̃ = dc · c f (1 - f)
    dg̃   = dc · i (1 - g²)               dc_before = dc · f             dh_before = [dĩ df̃ dg̃ dõ] U

tanh(x) is 2 σ(2x) - 1; for g the doubling is in the weights, which is exact, so that one σ serves all four gates.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights
from understudy.model.recurrence.inputs import Part, input_products, sums_by_symbol
from understudy.model.recurrence.packed import Packed
from understudy.model.recurrence.workspace import Pool


class CpuLstm:
    """A `Recurrence`; keeps the buffers of the layers that it runs."""

    def __init__(self) -> None:
        self._pool = Pool()

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """See `Recurrence`."""
        bias = weights.bias_ih + weights.bias_hh
        source, ids = input_products(inputs, weights.weight_ih, bias, products)
        outputs, *after = _Lstm.apply(  # type: ignore[no-untyped-call]
            source, ids, weights.weight_hh, *state, products, self._pool
        )
        return outputs, tuple(after)


class _Lstm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        source: Tensor,
        ids: Tensor | None,
        weight: Tensor,
        h: Tensor,
        c: Tensor,
        products: torch.dtype,
        pool: Pool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        lease = pool.lease()
        space = lease.space
        T, (B, H), exact = (source if ids is None else ids).shape[0], h.shape, h.dtype
        learning = any(ctx.needs_input_grad)
        kept = T if learning else 1
        matrix = space.take("matrix", products, 4 * H, H)
        matrix.copy_(weight)
        matrix[2 * H : 3 * H].mul_(2)
        packed = Packed(matrix, B)
        inputs = Part(source, ids, slice(0, 4 * H), products)

        outputs = torch.empty(T, B, H, dtype=products)
        before = space.take("h before", products, kept, B, H)
        by_dc, by_dh = space.take("by dc", exact, kept, B, 3, H), space.take("by dh", exact, kept, B, 2, H)
        f_all = space.take("f", exact, kept, B, H)
        gates, other = space.take("gates", exact, B, 4 * H), space.take("other", products, B, 4 * H)
        slopes, tanh_c = space.take("slopes", exact, B, 4 * H), space.take("tanh c", exact, B, H)
        i, f, g, o = gates.view(B, 4, H).unbind(1)
        i_slope, f_slope, g_slope, o_slope = slopes.view(B, 4, H).unbind(1)
        one = torch.ones((), dtype=exact)
        c = c.clone()
        rounded = before[0].copy_(h)
        for t in range(T):
            inputs.fill(t, other)
            other[:, 2 * H : 3 * H].mul_(2)
            gates.copy_(packed.plus(rounded, other))
            gates.sigmoid_()
            if learning:
                torch.addcmul(gates, gates, gates, value=-1, out=slopes)
            g.mul_(2).sub_(1)
            if learning:
                di_by_dc, df_by_dc, dg_by_dc = by_dc[t].unbind(1)
                torch.mul(g, i_slope, out=di_by_dc)
                torch.mul(c, f_slope, out=df_by_dc)
                torch.mul(i, g_slope, out=dg_by_dc).mul_(4)
                f_all[t].copy_(f)
            c.mul_(f).addcmul_(i, g)
            torch.mul(c, 2, out=tanh_c).sigmoid_().mul_(2).sub_(1)
            if learning:
                dc_by_dh, do_by_dh = by_dh[t].unbind(1)
                torch.addcmul(one, tanh_c, tanh_c, value=-1, out=dc_by_dh).mul_(o)
                torch.mul(tanh_c, o_slope, out=do_by_dh)
            h = tanh_c.mul_(o)
            rounded = outputs[t].copy_(h)
            if learning and t + 1 < T:
                before[t + 1].copy_(rounded)
        h = h.clone()
        if learning:
            ctx.lease, ctx.ids, ctx.symbols = lease, ids, source.shape[0]
            ctx.saved = matrix, by_dc, by_dh, f_all, before
        else:
            lease.give_back()
        return outputs, h, c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        space = ctx.lease.space
        matrix, by_dc, by_dh, f_all, before = ctx.saved
        T, B, H = f_all.shape
        products, exact = before.dtype, f_all.dtype
        matrix[2 * H : 3 * H].mul_(0.5)
        packed = Packed(matrix.t().contiguous(), B)
        d_all = space.take("d", products, T, B, 4 * H)
        d, arrived = space.take("d step", exact, B, 4, H), space.take("arrived", exact, B, H)
        out = space.take("d h", products, B, H)
        dh, dc = d_h.clone(), d_c.clone()
        for t in range(T - 1, -1, -1):
            dh.add_(arrived.copy_(d_outputs[t]))
            dc_by_dh, do_by_dh = by_dh[t].unbind(1)
            torch.mul(dh, do_by_dh, out=d[:, 3])
            dc.addcmul_(dh, dc_by_dh)
            torch.mul(dc[:, None], by_dc[t], out=d[:, :3])
            dc.mul_(f_all[t])
            d_all[t].copy_(d.view(B, 4 * H))
            dh.copy_(packed.times(d_all[t], out))
        flat = d_all.view(T * B, 4 * H)
        d_weight = torch.mm(before.view(T * B, H).t(), flat).t().to(exact)
        d_source = d_all if ctx.ids is None else sums_by_symbol(ctx.ids, ctx.symbols, d_all)
        ctx.lease.give_back()
        return d_source, None, d_weight, dh, dc, None, None
