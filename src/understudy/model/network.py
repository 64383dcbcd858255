"""The language model: ids and state in, logits and state out."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.model.chance import Words
from understudy.model.config import ModelConfig
from understudy.model.ngrams import NGrams
from understudy.model.output import cross_entropy
from understudy.model.recurrence import Embedded, LayerState, LayerWeights, recurrence_for
from understudy.model.workspace import Pool

State = tuple[LayerState, ...]


@dataclass(frozen=True)
class Dropout:
    """Zeroes a share of a layer's outputs while training, between the layers and before the output layer.

    Not on the recurrent connections (Zaremba et al. 2014, arXiv:1409.2329). Randomness comes from `words`.

    Attributes:
        probability: the share.
        words: draws; for all lanes of a batch, of which these are a part.
        lanes: B of the whole batch.
        part: which of them the network is given.
    """

    probability: float
    words: Words
    lanes: int
    part: slice

    def __call__(self, x: Tensor) -> Tensor:
        """`x` (T, B, H) with a new mask, scaled so that its mean stays.

        Four elements share 64 random bits: a draw for each would take a fifth of a step.
        """
        kept = 1 - self.probability
        shape = torch.Size((len(x), self.lanes, *x.shape[2:]))
        drawn = self.words(-(-shape.numel() // 4)).view(torch.int16)[: shape.numel()].view(shape)[:, self.part]
        mask = drawn < min(round(kept * (1 << 16)) - (1 << 15), (1 << 15) - 1)
        return x * mask.to(x.dtype).div_(kept)


class Layer(nn.Module):
    """One recurrent layer's parameters."""

    def __init__(self, inputs: int, units: int, gates: int, device: torch.device | str | None = None) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(gates * units, inputs, device=device))
        self.weight_hh = nn.Parameter(torch.empty(gates * units, units, device=device))
        self.bias_ih = nn.Parameter(torch.empty(gates * units, device=device))
        self.bias_hh = nn.Parameter(torch.empty(gates * units, device=device))

    @property
    def weights(self) -> LayerWeights:
        """The parameters."""
        return LayerWeights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class Network(nn.Module):
    """Embedding, with or without what n-grams add to it; recurrent layers; dense output.

    `logits, state = network(ids, state)`: ids (T, B), logits (T, B, V) in float32; the state is a value, one
    tuple of (B, H) tensors for each layer, then the last characters where the model has n-grams, and is never kept
    inside. The parameters start uninitialised.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        precision: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        """Make a network of that shape.

        Args:
            config: the shape.
            precision: the type of the matrix products; parameters, carried state and logits keep their own.
            device: where the parameters lie.
        """
        super().__init__()
        self.config = config
        self.precision = precision
        self.folds = True
        self._pool = Pool()
        self._recurrence = recurrence_for(config.cell, torch.device(device or "cpu"))
        V, E, H = config.vocabulary, config.embedding, config.units
        gates = config.shapes()["layers.0.weight_hh"][0] // H
        self.embedding = nn.Embedding(V, E, _weight=torch.empty(V, E, device=device))
        self.ngrams = NGrams(config, device) if config.ngrams else None
        self.layers = nn.ModuleList(Layer(H if layer else E, H, gates, device) for layer in range(config.layers))
        self.output = nn.Linear(H, V, device="meta")
        self.output.weight = nn.Parameter(torch.empty(V, H, device=device))
        self.output.bias = nn.Parameter(torch.empty(V, device=device))

    def zero_state(self, batch: int) -> State:
        """The state before any text, for B = `batch` streams."""
        weight = self.output.weight
        return tuple(
            tuple(torch.zeros(batch, width, dtype=weight.dtype, device=weight.device) for width in widths)
            for widths in self.config.state_widths
        )

    def forward(self, ids: Tensor, state: State, dropout: Dropout | None = None) -> tuple[Tensor, State]:
        """Ids (T, B) and the state before them give logits (T, B, V) and the state after them."""
        x, after = self._hidden(ids, state, dropout)
        logits = F.linear(x, self.output.weight.to(x.dtype), self.output.bias.to(x.dtype))
        return logits.to(self.output.weight.dtype), after

    def loss(self, ids: Tensor, targets: Tensor, state: State, dropout: Dropout | None = None) -> tuple[Tensor, State]:
        """Mean nats of `targets` (T, B), which came after `ids` (T, B); the state after them."""
        x, after = self._hidden(ids, state, dropout)
        output = self.output
        return cross_entropy(x.flatten(0, 1), output.weight, output.bias, targets.flatten(), self._pool), after

    def _hidden(self, ids: Tensor, state: State, dropout: Dropout | None) -> tuple[Tensor, State]:
        """What the last layer gives, (T, B, H), in the type of the products."""
        products = self._product_type
        inputs: Tensor | Embedded
        last: State = ()
        if self.ngrams is not None:
            inputs, recent = self.ngrams(self.embedding(ids), ids, state[-1][0])
            state, last = state[:-1], ((recent,),)
        else:
            inputs = Embedded(ids, self.embedding.weight) if self.folds else self.embedding(ids)
        after: list[LayerState] = []
        for layer, before in zip(self.layers, state, strict=True):
            assert isinstance(layer, Layer)
            x, new = self._recurrence(inputs, layer.weights, before, products)
            after.append(new)
            if dropout is not None:
                x = dropout(x)
            inputs = x
        return x, (*after, *last)

    @property
    def _product_type(self) -> torch.dtype:
        weight = self.output.weight.dtype
        return weight if weight == torch.float64 else self.precision


def detached(state: State) -> State:
    """The same state, cut from the computation that made it."""
    return tuple(tuple(part.detach() for part in layer) for layer in state)


def shifted(state: State, from_before: Callable[[Tensor], Tensor]) -> State:
    """The state with lane b taking over lane b - 1's; the first takes what `from_before` makes of the last."""
    return tuple(tuple(torch.cat([from_before(part[-1:]), part[:-1]]) for part in layer) for layer in state)
