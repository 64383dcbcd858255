"""The GRU on a CPU: `reference.gru` with one matrix product a step each way and none of its waste.

The first layer's embedding and input matrix are one table that is looked up; for other layers the input products of all
steps are one product. The loop works in place in buffers that stay. Gates are kept, not computed again; what the way
back multiplies by is computed from them for several steps at once. The gradient of the recurrent matrix is one product
over all steps and lanes.

With h' = n + z (h - n), n = tanh(a), a = x_n + r q, q = U_n h + c_n and dh the gradient that arrives at h':

    da  = dh · (1 - z)(1 - n²)            dz̃ = dh · (h - n) z (1 - z)
    dr̃ = da · q r (1 - r)                 dq  = da · r             dh_before = dh · z + [dz̃ dr̃ dq] U

tanh(a) is 2 σ(2a) - 1, which on these processors is several times as fast. The orders in memory are chosen so that
one operation serves two gates: forward [h-n, q, z, r], backward [da, dz̃, dr̃, dq], of which the first three belong to
the input and the last three to the recurrence.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights
from understudy.model.recurrence.inputs import Part, input_products, sums_by_symbol
from understudy.model.recurrence.packed import Packed
from understudy.model.recurrence.workspace import Pool, block_length, each_step

R, Z, N = 0, 1, 2


class CpuGru:
    """A `Recurrence`; keeps the buffers of the layers that it runs."""

    def __init__(self) -> None:
        self._pool = Pool()

    def __call__(
        self, inputs: Tensor | Embedded, weights: LayerWeights, state: LayerState, products: torch.dtype
    ) -> tuple[Tensor, LayerState]:
        """See `Recurrence`."""
        H = weights.weight_hh.shape[1]
        bias = torch.cat([weights.bias_ih[: 2 * H] + weights.bias_hh[: 2 * H], weights.bias_ih[2 * H :]])
        gates = [slice(gate * H, (gate + 1) * H) for gate in (N, Z, R)]
        weight_ih, bias = (torch.cat([part[gate] for gate in gates]) for part in (weights.weight_ih, bias))
        source, ids = input_products(inputs, weight_ih, bias, products)
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
        matrix = space.take("matrix", products, 3, H, H)
        for place, gate in enumerate((N, Z, R)):
            matrix[place].copy_(weight[gate * H : (gate + 1) * H])
        packed = Packed(matrix.view(3 * H, H), B)
        input_zr = Part(source, ids, slice(H, 3 * H), products, before=c_n)
        input_n = Part(source, ids, slice(0, H), exact, scale=2)

        hs = torch.empty(T + 1, B, H, dtype=products)
        kept = T if learning else 1
        gates_all, n_all = space.take("gates", exact, kept, B, 4 * H), space.take("n", exact, kept, B, H)
        other, x_n = space.take("other", products, B, 3 * H), space.take("x n", exact, B, H)
        minus_one = torch.tensor(-1, dtype=exact)
        h = h.clone()
        hs[0].copy_(h)
        rounded = hs.unbind()
        views = (gates_all[..., H:], gates_all[..., 2 * H :], *gates_all.view(kept, B, 4, H).unbind(2), n_all)
        for t, (qzr, zr, h_n, q, z, r, n) in enumerate(each_step(T, *views)):
            qzr.copy_(packed.plus(rounded[t], input_zr.fill(t, other)))
            zr.sigmoid_()
            torch.add(minus_one, input_n.fill(t, x_n).addcmul_(r, q, value=2).sigmoid_(), alpha=2, out=n)
            torch.sub(h, n, out=h_n)
            torch.addcmul(n, z, h_n, out=h)
            rounded[t + 1].copy_(h)
        if learning:
            ctx.lease, ctx.ids, ctx.symbols = lease, ids, source.shape[0]
            ctx.saved = weight, gates_all, n_all, hs
        else:
            lease.give_back()
        return hs[1:], h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor) -> tuple[Tensor | None, ...]:
        space = ctx.lease.space
        weight, gates_all, n_all, hs = ctx.saved
        T, B, H = n_all.shape
        products, exact = hs.dtype, n_all.dtype
        matrix = space.take("matrix", products, H, 3, H)
        for place, gate in enumerate((Z, R, N)):
            matrix[:, place].copy_(weight[gate * H : (gate + 1) * H].t())
        packed = Packed(matrix.view(H, 3 * H), B)
        d_all = space.take("d", products, T, B, 4 * H)
        d, arrived = space.take("d step", exact, B, 4, H), space.take("arrived", exact, B, H)
        one = torch.ones((), dtype=exact)
        block = block_length(B * 3 * H)
        factors = space.take("factors", exact, block, B, 3, H)  # of da, dz̃ by dh; of dr̃ by da
        d_by_dh, (da, _, dr, dq), d_flat = d[:, :2], d.unbind(1), d.view(B, 4 * H)
        made_by_dh, made_by_da = factors[:, :, :2].unbind(), factors[:, :, 2].unbind()
        dh, arriving = d_h + d_outputs[-1], d_outputs.unbind()
        z_all, r_all = (gates_all[..., gate * H : (gate + 1) * H].unbind() for gate in (2, 3))
        kept, back = d_all.unbind(), d_all[..., H:].unbind()
        for t in range(T - 1, -1, -1):
            place = t % block
            if place == block - 1 or t == T - 1:
                gates, n, made = gates_all[t - place : t + 1], n_all[t - place : t + 1], factors[: place + 1]
                by_dh, slopes, zr = made[:, :, 0], made[:, :, 1:].flatten(2), gates[..., 2 * H :]
                torch.addcmul(one, n, n, value=-1, out=by_dh)
                by_dh.addcmul_(by_dh, zr[..., :H], value=-1)
                torch.addcmul(zr, zr, zr, value=-1, out=slopes).mul_(gates[..., : 2 * H])
            torch.mul(dh[:, None], made_by_dh[place], out=d_by_dh)
            torch.mul(da, made_by_da[place], out=dr)
            torch.mul(da, r_all[t], out=dq)
            kept[t].copy_(d_flat)
            arrived.copy_(packed.plus(back[t], arriving[t - 1]) if t else packed.times(back[t]))
            torch.addcmul(arrived, dh, z_all[t], out=dh)
        flat = d_all.view(T * B, 4 * H)
        d_matrix = torch.mm(flat[:, H:].t(), hs[:-1].view(T * B, H)).view(3, H, H)  # z, r, q
        d_weight = torch.empty(3, H, H, dtype=exact)
        for place, gate in enumerate((Z, R, N)):
            d_weight[gate].copy_(d_matrix[place])
        if ctx.ids is None:
            d_source, d_c_n = d_all[..., : 3 * H], torch.ones(1, T * B, dtype=products) @ flat[:, 3 * H :]
        else:
            sums = sums_by_symbol(ctx.ids, ctx.symbols, d_all)
            d_source, d_c_n = sums[:, : 3 * H], sums[:, 3 * H :].sum(0)
        ctx.lease.give_back()
        return d_source, None, d_weight.view(3 * H, H), d_c_n.view(H).to(exact), dh, None, None
