"""What the ranks' parts of a batch come to together: the same on all of them as if one had read it all."""

import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.model.network import Network
from understudy.model.ngrams import Occurrences
from understudy.ranks.contract import Ranks
from understudy.training.optimizer import Optimizer
from understudy.training.recipe import Recipe

_MANY = 1 << 17
"""From so many characters a rank on, the rows that they touch may be less to send than they are: in novels they are a
quarter more bytes at 131,072, and 0.86 and 0.54 of them at 262,144 and 524,288."""


class Exchange:
    """Brings the gradients of a batch's parts together.

    Attributes:
        share: of the batch that is this rank's. The mean over its own places, times this, is what it gives to the mean
            over all; so parts of different sizes come out exactly.
    """

    def __init__(self, network: Network, optimizer: Optimizer, recipe: Recipe, ranks: Ranks) -> None:
        self._network, self._optimizer, self._ranks, self._lanes = network, optimizer, ranks, recipe.batch_size
        mine = ranks.part(recipe.batch_size)
        self.share = (mine.stop - mine.start) / recipe.batch_size
        self._kind = torch.bfloat16 if recipe.exchange == "bfloat16" else None

    def __call__(self, loss: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Put the whole batch's gradients into the parameters.

        Args:
            loss: this rank's share of the mean nats, whose backward pass is done.

        Returns:
            The whole batch's mean nats; and what the optimiser needs besides the gradients (`Optimizer.sums`).
        """
        parameters = [parameter for parameter in self._network.parameters() if parameter.grad is not None]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        *found, whole = self._ranks.summed([*gradients, *self._optimizer.sums(), loss], self._kind)
        for parameter, gradient in zip(parameters, found, strict=False):
            parameter.grad = gradient
        if self._network.ngrams is not None and self._ranks.count > 1:
            self._gather(self._network.ngrams.occurrences)
        return whole, found[len(parameters) :]

    def _gather(self, mine: Occurrences | None) -> None:
        """Bring the n-grams of all ranks into the order that one process has them in, or together by row."""
        assert self._network.ngrams is not None
        assert mine is not None, "there was a backward pass"
        joined, lanes = self._ranks.joined, self._ranks.part(self._lanes)
        (N, places), width = mine.rows.shape, lanes.stop - lanes.start
        many = places // width * self._lanes >= _MANY * self._ranks.count and mine.rows.device.type == "cpu"
        whole = self._by_row(mine) if many else None
        if whole is None:
            rows = joined(mine.rows.view(N, -1, width).int(), self._lanes, 2)
            gradient = joined(mine.gradient.view(-1, width, mine.gradient.shape[-1]), self._lanes, 1)
            whole = Occurrences.of(rows.reshape(N, -1), gradient.reshape(-1, gradient.shape[-1]))
        self._network.ngrams.occurrences = whole

    def _by_row(self, mine: Occurrences) -> Occurrences | None:
        """What all ranks' occurrences come to by row, one after the other; nothing where that is more to send."""
        ranks, D = self._ranks, mine.gradient.shape[1]
        sums = mine.by_row()
        numbers = torch.tensor([[sums.rows.numel(), mine.rows.numel() + mine.gradient.numel()]])
        found = ranks.joined(numbers, ranks.count)
        longest, occurrences = int(found[:, 0].max()), int(found[:, 1].sum())
        if ranks.count * longest * (D + 2) >= occurrences:
            return None
        padded = (0, longest - sums.rows.numel())  # with row 0, to which nothing is added
        rows = ranks.joined(F.pad(sums.rows[0].int(), padded), ranks.count * longest)
        gradient = ranks.joined(F.pad(sums.gradient, (0, 0, *padded)), ranks.count * longest)
        return Occurrences(rows[None], gradient, ranks.joined(F.pad(sums.squares, padded), ranks.count * longest))
