"""What the recurrences of cells.py have in common: one layer, step after step, by its equations."""

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
