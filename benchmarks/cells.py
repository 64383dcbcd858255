"""Other recurrences than the package's, by their equations, step after step: what cell_search.py holds against it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Dropout, Network, State


class Norm(nn.Module):
    """Layer norm with a gain."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gain, self.offset = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        """Over the last axis."""
        return F.layer_norm(x, x.shape[-1:], self.gain, self.offset)


class Tried(Network):
    """One layer, as the LSTM has it unless a subclass says otherwise."""

    gates = 4
    layer: Any

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        H, E = config.units, config.embedding
        self.folds = False
        self.layer = self.layers[0]
        if self.gates != 4:
            for name, columns in (("weight_ih", E), ("weight_hh", H)):
                setattr(self.layer, name, nn.Parameter(torch.empty(self.gates * H, columns)))
            for name in ("bias_ih", "bias_hh"):
                setattr(self.layer, name, nn.Parameter(torch.empty(self.gates * H)))
        self.more()

    def more(self) -> None:
        """Make the parameters that an LSTM has not, in `self.layer`."""

    def start(self, seed: int) -> None:
        """Fill all parameters; a subclass fills its own after those that it shares with the LSTM."""
        initialize(self, "default", seed)
        torch.manual_seed(seed)

    def matrix_parameters(self) -> int:
        """What a character's products go through."""
        return sum(p.numel() for p in self.parameters() if p.ndim == 2) - self.embedding.weight.numel()

    def _hidden(self, ids: Tensor, state: State, dropout: Dropout | None) -> tuple[Tensor, State]:
        h, c = state[0]
        outputs = []
        for x in self.prepared(self.embedding(ids)):
            h, c = self.step(x, h, c)
            outputs.append(h)
        whole = torch.stack(outputs)
        return (dropout(whole) if dropout else whole), ((h, c),)

    def prepared(self, x: Tensor) -> Any:
        """What can be done for all steps at once: (T, B, E) gives what `step` takes, one a step."""
        return F.linear(x, self.layer.weight_ih, self.layer.bias_ih + self.layer.bias_hh)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One step."""
        return self.cell(x + F.linear(h, self.layer.weight_hh), c)

    def cell(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """From the gates' sums to the new state."""
        i, f, g, o = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class Coupled(Tried):
    """What is written is what is forgotten: i = 1 - f (Greff et al. 2015), three matrices in place of four."""

    gates = 3

    def start(self, seed: int) -> None:
        """The LSTM's start, gate by gate."""
        super().start(seed)
        self.layer.bias_ih.data.zero_()
        self.layer.bias_ih.data[: self.config.units] = 1

    def cell(self, sums: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """f, g, o."""
        f, g, o = sums.chunk(3, -1)
        kept = torch.sigmoid(f)
        c = kept * c + (1 - kept) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class LayerNorm(Tried):
    """Sums and memory normed (Ba et al. 2016, arXiv:1607.06450)."""

    def more(self) -> None:
        """Gains and offsets; no name has "weight" in it, which is Muon's."""
        H = self.config.units
        for name, size in (("x", 4 * H), ("h", 4 * H), ("c", H)):
            self.layer.register_module(f"norm_{name}", Norm(size))

    def prepared(self, x: Tensor) -> Any:
        """The input's sums, normed."""
        return self.layer.norm_x(F.linear(x, self.layer.weight_ih)) + self.layer.bias_ih + self.layer.bias_hh

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The state's sums, normed."""
        i, f, g, o = (x + self.layer.norm_h(F.linear(h, self.layer.weight_hh))).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.layer.norm_c(c)), c


class Mogrifier(Tried):
    """Input and state gate each other in turn before the step (Melis et al. 2019, arXiv:1909.01792)."""

    rounds = 5

    def more(self) -> None:
        """A matrix a round: odd rounds gate the input by the state, even ones the state by the input.

        AdamW's: at Muon's rate the gradient is soon not finite.
        """
        H, E = self.config.units, self.config.embedding
        for number in range(1, self.rounds + 1):
            shape = (E, H) if number % 2 else (H, E)
            self.layer.register_parameter(f"round_{number}", nn.Parameter(torch.empty(shape)))

    def start(self, seed: int) -> None:
        """Small: every gate near 1."""
        super().start(seed)
        for number in range(1, self.rounds + 1):
            nn.init.normal_(getattr(self.layer, f"round_{number}"), std=0.01)

    def prepared(self, x: Tensor) -> Any:
        """Nothing: the input changes."""
        return x

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The rounds, then the LSTM's step."""
        for number in range(1, self.rounds + 1):
            matrix = getattr(self.layer, f"round_{number}")
            if number % 2:
                x = 2 * torch.sigmoid(F.linear(h, matrix)) * x
            else:
                h = 2 * torch.sigmoid(F.linear(x, matrix)) * h
        return super().step(super().prepared(x), h, c)


class TwoRounds(Mogrifier):
    """Of the Mogrifier's rounds, the first two."""

    rounds = 2


class GatedByCharacter(Tried):
    """Of the Mogrifier, only the state gated by the character, which is a look-up: 2 σ(Q e) ⊙ h before the product."""

    def more(self) -> None:
        """Q."""
        H, E = self.config.units, self.config.embedding
        self.layer.register_parameter("weight_gate", nn.Parameter(torch.empty(H, E)))

    def start(self, seed: int) -> None:
        """Small: every gate near 1."""
        super().start(seed)
        nn.init.normal_(self.layer.weight_gate, std=0.01)

    def matrix_parameters(self) -> int:
        """A look-up is no product."""
        gate: Tensor = self.layer.weight_gate
        return super().matrix_parameters() - gate.numel()

    def prepared(self, x: Tensor) -> Any:
        """The gates too."""
        return zip(super().prepared(x), 2 * torch.sigmoid(F.linear(x, self.layer.weight_gate)), strict=True)

    def step(self, x: Any, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Gate, then the LSTM's step."""
        sums, gate = x
        return super().step(sums, gate * h, c)


class Multiplicative(GatedByCharacter):
    """The state multiplied by what the character gives, unbounded: Q e ⊙ h (after Krause et al. 2016, diagonal)."""

    def prepared(self, x: Tensor) -> Any:
        """No sigmoid."""
        return zip(Tried.prepared(self, x), 1 + F.linear(x, self.layer.weight_gate), strict=True)


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


CELLS: dict[str, Callable[[ModelConfig], Tried]] = {
    "LSTM": Tried,
    "coupled gates": Coupled,
    "layer norm": LayerNorm,
    "Mogrifier, 5 rounds": Mogrifier,
    "Mogrifier, 2 rounds": TwoRounds,
    "state gated by the character": GatedByCharacter,
    "state times the character": Multiplicative,
    "last character at the output": PairOutput,
    "last two characters": TwoCharacters,
    "tied output": TiedOutput,
    "linear recurrences": LinearBlocks,
}
