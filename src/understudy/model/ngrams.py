"""The table of n-grams: what the last few characters, taken together, add to the vector of the last one.

A recurrent net keeps a text's n-grams in its matrices, which every character's products go through. A table keeps them
where only their own occurrences touch them, at the price of a look-up: what a text repeats is known after it has been
met once or twice, as counting knows it, and the matrices are left to what counting cannot do. Hashed n-grams are
Mikolov et al. 2011 ("Strategies for training large scale neural network language models"); that they enter at the
embedding is Huang et al. 2025 (arXiv:2501.16975).
"""

from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.model.config import HASH_BASE, HASH_PRIME, NGRAM_LENGTHS, NGRAM_TABLE, RECENT, ModelConfig

_EPSILON = 1e-8


class Occurrences(NamedTuple):
    """The n-grams of a batch.

    Attributes:
        rows: (N, T · B), where the n-grams of each length lie in the table.
        gradient: (T · B, D), the loss's, the same for every length.
        squares: (T · B,), the mean square of each gradient.
    """

    rows: Tensor
    gradient: Tensor
    squares: Tensor

    @classmethod
    def of(cls, rows: Tensor, gradient: Tensor) -> Self:
        """Those of these rows and gradients."""
        return cls(rows, gradient, gradient.square().mean(-1))

    def by_row(self) -> "Occurrences":
        """What they come to, as if each of the U rows had one occurrence: rows (1, U), sums (U, D) and (U,)."""
        lengths = len(self.rows)
        rows, places = self.rows.flatten().unique(return_inverse=True)  # type: ignore[no-untyped-call]
        gradient = self.gradient.new_zeros(len(rows), self.gradient.shape[1])
        squares = self.squares.new_zeros(len(rows))
        gradient.index_add_(0, places, self.gradient.repeat(lengths, 1))
        return Occurrences(rows[None], gradient, squares.index_add_(0, places, self.squares.repeat(lengths)))


class NGrams(nn.Module):
    """A table of N · R rows of D numbers, R for each of the N lengths of n-gram; an n-gram's row is its hash.

    Attributes:
        weight: the table, a parameter that never has a gradient of its size: `learn` takes what `occurrences` has.
        codes: (V,), what stands for each symbol in the hash, from 1 on: 0 is no character. They belong to the symbols
            and not to their ids, so that a table serves on when a vocabulary has grown.
        occurrences: of the last backward pass.
    """

    codes: Tensor

    def __init__(self, config: ModelConfig, device: torch.device | str | None = None) -> None:
        super().__init__()
        self._rows = config.ngrams
        shape = config.shapes()[NGRAM_TABLE]
        self.weight = nn.Parameter(torch.empty(shape, device=device))
        self.register_buffer("codes", torch.empty(config.vocabulary, dtype=torch.int64, device=device))
        self.occurrences: Occurrences | None = None

    def start(self) -> None:
        """Nothing is known of any n-gram."""
        with torch.no_grad():
            self.weight.zero_()
            self.codes.copy_(torch.arange(1, len(self.codes) + 1))

    def forward(self, x: Tensor, ids: Tensor, recent: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (T, B, E) of ids (T, B) with what their n-grams add, and the last characters after them.

        `recent` (B, RECENT) are the codes of the characters before, the oldest first, as whole numbers in float32,
        like the rest of a state; 0 where there was none.
        """
        codes = torch.cat([recent.t().long(), self.codes[ids]])
        added: Tensor = _Added.apply(x, self.weight, self.rows(codes), self)  # type: ignore[no-untyped-call]
        return added, codes[len(codes) - RECENT :].t().to(recent.dtype)

    def rows(self, codes: Tensor) -> Tensor:
        """The rows (N, T · B) of the n-grams that end at each of the last T of codes (RECENT + T, B)."""
        T = len(codes) - RECENT
        found: list[Tensor] = []
        total, factor = torch.zeros_like(codes[RECENT:]), 1
        for back in range(max(NGRAM_LENGTHS)):
            total = total + codes[RECENT - back : RECENT - back + T] * factor
            factor = factor * HASH_BASE % HASH_PRIME
            if back + 1 in NGRAM_LENGTHS:
                found.append((total % HASH_PRIME % self._rows + len(found) * self._rows).flatten())
        return torch.stack(found)

    @torch.no_grad()
    def learn(self, squares: Tensor, rate: Tensor) -> None:
        """Take a step down the gradient of the rows that the last batch touched; no other row is looked at.

        Adagrad (Duchi et al. 2011), with one sum of squares a row, `squares` (N · R,), which is added to. On a CPU
        `index_add_` adds in the order of the occurrences, whatever the threads; `index_put_` does not.
        """
        assert self.occurrences is not None, "there was a backward pass"
        lengths, rows = len(self.occurrences.rows), self.occurrences.rows.flatten()
        gradient = self.occurrences.gradient
        squares.index_add_(0, rows, self.occurrences.squares.repeat(lengths))
        share = rate / (squares[rows].sqrt() + _EPSILON)
        self.weight.index_add_(0, rows, (gradient * -share.view(lengths, -1, 1)).flatten(0, 1))


class _Added(torch.autograd.Function):
    """x (T, B, E) with the rows' sums added to its first D numbers; the table's gradient is left by occurrence."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, rows: Tensor, ngrams: NGrams) -> Tensor:
        D = weight.shape[1]
        ctx.rows, ctx.ngrams, ctx.width = rows, ngrams, D
        summed = F.embedding_bag(rows.t().contiguous(), weight, mode="sum")
        added = x.clone()
        added[..., :D] += summed.view(*x.shape[:-1], D)
        return added

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        ctx.ngrams.occurrences = Occurrences.of(ctx.rows, gradient[..., : ctx.width].flatten(0, -2))
        return gradient, None, None, None
