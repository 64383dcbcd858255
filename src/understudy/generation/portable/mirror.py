"""Portable 1 in NumPy: what every other runtime is held against, and what writes where nothing was compiled."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Trace
from understudy.generation.forbidden import Forbidden
from understudy.generation.portable.arithmetic import Floats, sigmoid, tanh, whole
from understudy.generation.portable.packing import Matrix, NGramTable, Packed
from understudy.generation.sampling import Sampling, draw_each
from understudy.model.config import GATES, HASH_BASE, HASH_PRIME, NGRAM_LENGTHS, STATES

_EXACT = (1 << 24) // (127 * 64)
"""So many products of whole numbers add up exactly in float32, in any order; beyond it float64 serves."""


class Reading(NamedTuple):
    """What came of one symbol.

    Attributes:
        logits: (B, V).
        hidden: h of every layer, (B, H) each.
    """

    logits: Floats
    hidden: list[Floats]


class Given(NamedTuple):
    """Symbols that are read.

    Attributes:
        ids: (T, B).
    """

    ids: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, B)."""
        return self.ids.shape

    def at(self, t: int, logits: Floats, before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Symbol t of each stream, (B,)."""
        symbols: NDArray[np.int64] = self.ids[t]
        return symbols


class Drawn(NamedTuple):
    """Symbols that are drawn.

    Attributes:
        uniforms: (T, B), in (0, 1).
        settings: how, for each stream.
        forbidden: runs that are not to be drawn, if any.
    """

    uniforms: NDArray[np.float64]
    settings: Sequence[Sampling]
    forbidden: Forbidden | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(T, B)."""
        return self.uniforms.shape

    def at(self, t: int, logits: Floats, before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Symbol t of each stream, (B,), from what the model expects (B, V) after those before it, (t, B)."""
        if self.forbidden is not None:
            return self.forbidden.draw_each(logits, self.uniforms[t], self.settings, before)
        return draw_each(logits, self.uniforms[t], self.settings)


class Mirror:
    """Steps B streams with a packed model. `Engine` says what its functions do."""

    def __init__(self, packed: Packed) -> None:
        self._packed = packed
        self._products = [_Product(matrix) for matrix in packed.layers]
        self._input = _Product(packed.input_weight) if packed.input_weight else None

    def packed(self) -> Packed:
        """The model, packed, as it was given."""
        return self._packed

    def run(
        self,
        logits: Floats,
        state: EngineState,
        symbols: Given | Drawn,
        trace: Trace | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """Read ids that are given, or draw them: ids (T, B), the logits (B, V) and the state after the last."""
        ids = np.empty(symbols.shape, np.int64)
        stepping = _Stepping(self._packed, self._products, self._input, state)
        with np.errstate(all="ignore"):
            for t in range(len(ids)):
                ids[t] = symbols.at(t, logits, ids[:t])
                logits, hidden = stepping.read(ids[t])
                if trace is not None:
                    trace.keep(t, logits, hidden)
        return ids, logits, stepping.state()


class _Product:
    """h (B, K) ↦ h Wᵀ + b, (B, N)."""

    def __init__(self, matrix: Matrix) -> None:
        self._exact = matrix.scales is not None
        one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
        self._scales = one if matrix.scales is None else matrix.scales
        self._bias = none if matrix.bias is None else matrix.bias
        if self._exact:
            kind = np.float32 if matrix.rows.shape[1] <= _EXACT else np.float64
            self._columns = np.ascontiguousarray(matrix.rows.astype(kind).T)
        else:
            self._columns = np.ascontiguousarray(matrix.rows.T)

    def of_state(self, h: Floats) -> Floats:
        """The product with a state, which is rounded to whole numbers first where the matrix has them."""
        return self.of_whole(whole(h)) if self._exact else self.in_order(h)

    def of_whole(self, q: Floats, scales: Floats | None = None) -> Floats:
        """The product with whole numbers (B, K), whose rows are multiplied by `scales` (B,) too."""
        sums = (q.astype(self._columns.dtype, copy=False) @ self._columns).astype(np.float32)
        scaled: Floats = (sums + np.float32(0)) * self._scales  # a sum of whole numbers is no -0
        if scales is not None:
            scaled = scaled * scales[:, None]
        return scaled + self._bias

    def in_order(self, x: Floats) -> Floats:
        """The product in float32: each sum in the order of k."""
        sums = np.zeros((len(x), self._columns.shape[1]), np.float32)
        for k, column in enumerate(self._columns):
            sums += x[:, k, None] * column
        return sums + self._bias


class _Stepping:
    """Streams under way: their state, and what h makes of the gates of the next step."""

    def __init__(self, packed: Packed, products: list[_Product], input_: _Product | None, state: EngineState) -> None:
        self._packed, self._products, self._input = packed, products, input_
        self._config = packed.config
        self._wide = GATES[self._config.cell] * self._config.units
        parts, layers = STATES[self._config.cell], self._config.layers
        self._h = [np.array(state[layer * parts]) for layer in range(layers)]
        self._c = [np.array(state[layer * parts + 1]) for layer in range(layers)] if parts == 2 else []
        self._recent = np.array(state[-1]).astype(np.int64) if packed.ngrams else None
        self._gates = [product.of_state(h)[:, : self._wide] for product, h in zip(products, self._h, strict=True)]

    def state(self) -> EngineState:
        parts = [self._h, self._c] if self._c else [self._h]
        layers = tuple(part for layer in zip(*parts, strict=True) for part in layer)
        return layers if self._recent is None else (*layers, self._recent.astype(np.float32))

    def read(self, ids: NDArray[np.int64]) -> Reading:
        x = self._inputs(ids)
        if self._packed.ngrams is not None:
            x = self._with_ngrams(x, ids, self._packed.ngrams)
        step = self._gru if self._config.cell == "gru" else self._lstm
        for layer, product in enumerate(self._products):
            self._h[layer] = step(layer, x, self._gates[layer])
            made = product.of_state(self._h[layer])
            self._gates[layer], x = made[:, : self._wide], made[:, self._wide :]
        return Reading(x, self._h)

    def _inputs(self, ids: NDArray[np.int64]) -> Floats:
        rows, scales = self._packed.inputs.rows[ids].astype(np.float32), self._packed.inputs.scales
        if self._input is None:
            return rows if scales is None else rows * scales[ids][:, None]
        return self._input.in_order(rows) if scales is None else self._input.of_whole(rows, scales[ids])

    def _with_ngrams(self, x: Floats, ids: NDArray[np.int64], ngrams: NGramTable) -> Floats:
        assert self._recent is not None
        codes = np.concatenate([self._recent, ngrams.codes[ids].astype(np.int64)[:, None]], 1)
        self._recent = codes[:, 1:]
        summed = np.zeros((len(ids), ngrams.table.rows.shape[1]), np.float32)
        hashed, factor, lengths = np.zeros(len(ids), np.int64), 1, 0
        for back in range(max(NGRAM_LENGTHS)):
            hashed = hashed + codes[:, -1 - back] * factor
            factor = factor * HASH_BASE % HASH_PRIME
            if back + 1 in NGRAM_LENGTHS:
                row = hashed % HASH_PRIME % self._config.ngrams + lengths * self._config.ngrams
                found, scales = ngrams.table.rows[row].astype(np.float32), ngrams.table.scales
                summed = summed + (found if scales is None else found * scales[row][:, None])
                lengths += 1
        for d, column in enumerate(ngrams.weight):
            x = x + summed[:, d, None] * column
        return x

    def _gru(self, layer: int, x: Floats, g: Floats) -> Floats:
        H, h = self._config.units, self._h[layer]
        rz = sigmoid(x[:, : 2 * H] + g[:, : 2 * H])
        r, z = rz[:, :H], rz[:, H:]
        n = tanh(x[:, 2 * H :] + r * g[:, 2 * H :])
        return n + z * (h - n)

    def _lstm(self, layer: int, x: Floats, g: Floats) -> Floats:
        H = self._config.units
        gates = x + g
        i, f, o = sigmoid(gates[:, :H]), sigmoid(gates[:, H : 2 * H]), sigmoid(gates[:, 3 * H :])
        self._c[layer] = f * self._c[layer] + i * tanh(gates[:, 2 * H : 3 * H])
        return o * tanh(self._c[layer])
