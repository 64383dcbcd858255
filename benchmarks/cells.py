"""Other recurrences than the package's, by their equations, step after step: what cell_search.py holds against it."""

from collections.abc import Callable
from typing import Any

import torch
from cells_around import LinearBlocks, PairOutput, TiedOutput, TwoCharacters
from cells_tried import Norm, Tried
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.model.config import ModelConfig


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
