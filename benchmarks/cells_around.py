"""Other ways than the package's from a character to the layer and from the layer to the next, for cells.py."""

from typing import Any

import torch
from cells_tried import Norm, Tried
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.model.network import Dropout, State


class PairOutput(Tried):
    """The last character speaks to the output directly: logits + W e."""

    def more(self) -> None:
        """W, into the hidden vector."""
        H, E = self.config.units, self.config.embedding
        self.layer.register_parameter("weight_skip", nn.Parameter(torch.empty(H, E)))

    def start(self, seed: int) -> None:
        """Nothing at first."""
        super().start(seed)
        nn.init.zeros_(self.layer.weight_skip)

    def _hidden(self, ids: Tensor, state: State, dropout: Dropout | None) -> tuple[Tensor, State]:
        whole, after = super()._hidden(ids, state, dropout)
        return whole + F.linear(self.embedding(ids), self.layer.weight_skip), after


class TiedOutput(Tried):
    """The output layer is the embedding, behind a matrix that brings H to E (Press and Wolf 2016, Inan et al. 2016)."""

    def more(self) -> None:
        """That matrix; the output's own goes."""
        H, E = self.config.units, self.config.embedding
        self.layer.register_parameter("weight_down", nn.Parameter(torch.empty(E, H)))

    def start(self, seed: int) -> None:
        """The embedding, smaller, so that logits start small."""
        super().start(seed)
        nn.init.orthogonal_(self.layer.weight_down)
        self.embedding.weight.data.mul_(self.config.embedding**-0.5)
        self.output.weight = self.embedding.weight

    def _hidden(self, ids: Tensor, state: State, dropout: Dropout | None) -> tuple[Tensor, State]:
        whole, after = super()._hidden(ids, state, dropout)
        return F.linear(whole, self.layer.weight_down), after

    def matrix_parameters(self) -> int:
        """The output's product is one of E rows now."""
        return super().matrix_parameters() + self.embedding.weight.numel()

    def prepared(self, x: Tensor) -> Any:
        """The recurrence reads the embedding at its usual size."""
        return super().prepared(x * self.config.embedding**0.5)


class TwoCharacters(Tried):
    """The character before the last one is read again too, by a matrix of its own; the first of a step has none."""

    def more(self) -> None:
        """Its matrix."""
        H, E = self.config.units, self.config.embedding
        self.layer.register_parameter("weight_before", nn.Parameter(torch.empty(4 * H, E)))

    def start(self, seed: int) -> None:
        """As the input's."""
        super().start(seed)
        nn.init.uniform_(self.layer.weight_before, -(self.config.units**-0.5), self.config.units**-0.5)

    def prepared(self, x: Tensor) -> Any:
        """Both."""
        before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
        return super().prepared(x) + F.linear(before, self.layer.weight_before)


class LinearBlocks(Tried):
    """Modern linear recurrences (after De et al. 2024, arXiv:2402.19427): blocks of a gated average and a gated layer.

    In each block: a real-gated average of the past, r = σ(W_r x), a = exp(-8 softplus(λ) r), s' = a s + sqrt(1 - a²)
    (σ(W_i x) ⊙ W_v x), a short convolution before it, a gate beside it; then a gated layer of twice the width. Norms
    before each, what came in added after each.
    """

    blocks, width = 3, 256

    def more(self) -> None:
        """All of it; the LSTM's own matrices go."""
        E = self.config.embedding
        D = self.width
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            self.layer.register_parameter(name, None)
        self.layer.register_parameter("weight_in", nn.Parameter(torch.empty(D, E)))
        for block in range(self.blocks):
            for name, shape in (
                ("v", (D, D)),
                ("r", (D, D)),
                ("i", (D, D)),
                ("side", (D, D)),
                ("out", (D, D)),
                ("up", (2 * D, D)),
                ("gate", (2 * D, D)),
                ("down", (D, 2 * D)),
            ):
                self.layer.register_parameter(f"weight_{name}_{block}", nn.Parameter(torch.empty(shape)))
            self.layer.register_parameter(f"taps_{block}", nn.Parameter(torch.empty(4, D)))
            self.layer.register_parameter(f"decay_{block}", nn.Parameter(torch.empty(D)))
            for norm in ("first", "second"):
                self.layer.register_module(f"{norm}_{block}", Norm(D))
        self.layer.register_module("last", Norm(D))
        self.output.weight = nn.Parameter(torch.empty(self.config.vocabulary, D))

    def start(self, seed: int) -> None:
        """Orthogonal-ish matrices, averages of 0.9 to 0.999 of the past."""
        torch.manual_seed(seed)
        nn.init.normal_(self.embedding.weight)
        nn.init.zeros_(self.output.bias)
        for name, parameter in self.layer.named_parameters():
            if name.startswith("weight_"):
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            elif name.startswith("taps_"):
                nn.init.zeros_(parameter)
                parameter.data[-1] = 1
            elif name.startswith("decay_"):
                averages = torch.empty_like(parameter).uniform_(0.9, 0.999)
                parameter.data = torch.log(torch.expm1(-torch.log(averages) / 8 * 2))
        nn.init.xavier_uniform_(self.output.weight)

    def zero_state(self, batch: int) -> State:
        """Each block's average, and the last three places before its convolution."""
        return tuple((torch.zeros(batch, self.width), torch.zeros(batch, 3 * self.width)) for _ in range(self.blocks))

    def _hidden(self, ids: Tensor, state: State, dropout: Dropout | None) -> tuple[Tensor, State]:
        def matrix(name: str, block: int) -> Tensor:
            found: Tensor = getattr(self.layer, f"weight_{name}_{block}")
            return found

        x, after = F.linear(self.embedding(ids), self.layer.weight_in), []
        for block, (s, places) in enumerate(state):
            normed = getattr(self.layer, f"first_{block}")(x)
            values = F.linear(normed, matrix("v", block))
            padded = torch.cat([places.view(-1, 3, self.width).transpose(0, 1), values])
            values = sum(
                tap * padded[place : place + len(x)] for place, tap in enumerate(getattr(self.layer, f"taps_{block}"))
            )
            speed = F.softplus(getattr(self.layer, f"decay_{block}"))
            a = torch.exp(-8 * speed * torch.sigmoid(F.linear(values, matrix("r", block))))
            taken = (1 - a * a + 1e-6).sqrt() * torch.sigmoid(F.linear(values, matrix("i", block))) * values
            sums = []
            for kept, new in zip(a, taken, strict=True):
                s = kept * s + new
                sums.append(s)
            mixed = torch.stack(sums) * F.gelu(F.linear(normed, matrix("side", block)))
            x = x + F.linear(mixed, matrix("out", block))
            normed = getattr(self.layer, f"second_{block}")(x)
            wide = F.gelu(F.linear(normed, matrix("gate", block))) * F.linear(normed, matrix("up", block))
            x = x + F.linear(wide, matrix("down", block))
            after.append((s, padded[-3:].transpose(0, 1).flatten(1)))
        whole = self.layer.last(x)
        return (dropout(whole) if dropout else whole), tuple(after)
