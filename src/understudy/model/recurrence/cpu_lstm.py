"""The LSTM on a CPU: `reference.lstm` in the same manner as `cpu_gru`.

With c' = f c + i g, h' = o tanh(c'), dh and dc the gradients that arrive at h' and c':

    dc  += dh · o (1 - tanh²(c'))        dõ = dh · tanh(c') o (1 - o)
    dĩ   = dc · g i (1 - i)              df̃ = dc · c f (1 - f)
    dg̃   = dc · i (1 - g²)               dc_before = dc · f             dh_before = [dĩ df̃ dg̃ dõ] U

tanh(x) is 2 σ(2x) - 1, so that one σ serves all four gates. Powers of two go where they cost nothing, and are exact:
the weights of g are doubled, the memory is carried as 2c and its gradient as dc / 2; with s = σ(2a), g = 2s - 1, so
dg̃ = 8 (dc / 2) i s (1 - s), and the 8 is in the matrix that goes back.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights
from understudy.model.recurrence.inputs import Part, input_products, sums_by_symbol
from understudy.model.recurrence.packed import Packed
from understudy.model.recurrence.workspace import Pool, block_length, each_step


class CpuLstm:
    """A `Recurrence`; keeps the buffers of the layers that it runs."""

    def __init__(self) -> None:
        self._pool = Pool()

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """See `Recurrence`."""
        bias = weights.bias_ih + weights.bias_hh
        H = weights.weight_hh.shape[1]
        doubled = torch.ones(4, H, dtype=bias.dtype)
        doubled[2] = 2
        doubled = doubled.flatten()
        source, ids = input_products(inputs, weights.weight_ih * doubled[:, None], bias * doubled, products)
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
        matrix = space.take("matrix", products, 4, H, H)
        matrix.copy_(weight.view(4, H, H))
        matrix[2].mul_(2)
        packed = Packed(matrix.view(4 * H, H), B)
        inputs = Part(source, ids, slice(0, 4 * H), products)

        hs = torch.empty(T + 1, B, H, dtype=products)
        kept = T if learning else 1
        gates_all, tanh_all = space.take("gates", exact, kept, B, 4 * H), space.take("tanh c", exact, kept, B, H)
        c_all = space.take("2 c", exact, kept + 1, B, H)
        other, work = space.take("other", products, B, 4 * H), space.take("work", exact, B, H)
        minus_one, minus_two = torch.tensor(-1, dtype=exact), torch.tensor(-2, dtype=exact)
        hs[0].copy_(h)
        torch.mul(c, 2, out=c_all[0])
        rounded, twice_c = hs.unbind(), c_all[0]
        views = (gates_all, *gates_all.view(kept, B, 4, H).unbind(2), tanh_all, c_all[1:] if learning else c_all[:1])
        for t, (gates, i, f, s, o, tanh_c, c_next) in enumerate(each_step(T, *views)):
            gates.copy_(packed.plus(rounded[t], inputs.fill(t, other))).sigmoid_()
            torch.mul(twice_c, f, out=c_next).addcmul_(i, torch.add(minus_two, s, alpha=4, out=work))
            twice_c = c_next
            torch.add(minus_one, torch.sigmoid(twice_c, out=work), alpha=2, out=tanh_c)
            rounded[t + 1].copy_(torch.mul(o, tanh_c, out=work))
        h, c = work.clone(), twice_c / 2
        if learning:
            ctx.lease, ctx.ids, ctx.symbols = lease, ids, source.shape[0]
            ctx.saved = weight, gates_all, tanh_all, c_all, hs
        else:
            lease.give_back()
        return hs[1:], h, c

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        space = ctx.lease.space
        weight, gates_all, tanh_all, c_all, hs = ctx.saved
        T, B, H = tanh_all.shape
        products, exact = hs.dtype, tanh_all.dtype
        matrix = space.take("matrix", products, H, 4, H)
        matrix.view(H, 4 * H).copy_(weight.t())
        matrix[:, 2].mul_(8)
        packed = Packed(matrix.view(H, 4 * H), B)
        d_all = space.take("d", products, T, B, 4 * H)
        d = space.take("d step", exact, B, 4, H)
        half, minus_two = torch.tensor(0.5, dtype=exact), torch.tensor(-2, dtype=exact)
        block = block_length(B * 4 * H)
        factors = space.take("factors", exact, block, B, 4, H)  # of dĩ, df̃, dg̃ by dc / 2; of dõ by dh
        to_c, work = space.take("dc by dh", exact, block, B, H), space.take("block", exact, block, B, H)
        dh, half_dc, arriving = d_h + d_outputs[-1], d_c / 2, d_outputs.unbind()
        by_dc, by_dh, dc_by_dh = factors[:, :, :3].unbind(), factors[:, :, 3].unbind(), to_c.unbind()
        d_by_dc, d_o, d_flat, half_dc_each = d[:, :3], d[:, 3], d.view(B, 4 * H), half_dc[:, None]
        f_all, kept = gates_all[..., H : 2 * H].unbind(), d_all.unbind()
        for t in range(T - 1, -1, -1):
            place = t % block
            if place == block - 1 or t == T - 1:
                steps, made, size = slice(t - place, t + 1), factors[: place + 1], place + 1
                gates, tanh_c = gates_all[steps], tanh_all[steps]
                torch.addcmul(gates, gates, gates, value=-1, out=made.flatten(2))
                i, _, s, o = gates.view(size, B, 4, H).unbind(2)
                made[:, :, 0].mul_(torch.add(minus_two, s, alpha=4, out=work[:size]))
                made[:, :, 1].mul_(c_all[steps])
                made[:, :, 2].mul_(i)
                made[:, :, 3].mul_(tanh_c)
                torch.addcmul(half, tanh_c, tanh_c, value=-0.5, out=to_c[:size]).mul_(o)
            half_dc.addcmul_(dh, dc_by_dh[place])
            torch.mul(half_dc_each, by_dc[place], out=d_by_dc)
            torch.mul(dh, by_dh[place], out=d_o)
            half_dc.mul_(f_all[t])
            back = kept[t].copy_(d_flat)
            dh.copy_(packed.plus(back, arriving[t - 1]) if t else packed.times(back))
        d_weight = torch.mm(d_all.view(T * B, 4 * H).t(), hs[:-1].view(T * B, H)).to(exact)
        d_weight[2 * H : 3 * H].mul_(8)
        d_all[..., 2 * H : 3 * H].mul_(4)  # of the doubled gate
        d_source = d_all if ctx.ids is None else sums_by_symbol(ctx.ids, ctx.symbols, d_all)
        ctx.lease.give_back()
        return d_source, None, d_weight, dh, half_dc.mul_(2), None, None
