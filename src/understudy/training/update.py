"""One update of the weights after another: what a run does thousands of times."""

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from understudy.model.chance import draws_for, uniform
from understudy.model.network import Dropout, Network, State, detached, shifted
from understudy.ranks.contract import Ranks
from understudy.text.batches import Batch, Carry
from understudy.training.exchange import Exchange
from understudy.training.optimizer import Numbers, Optimizer
from understudy.training.recipe import Recipe


class NotFiniteError(ArithmeticError):
    """The loss or the gradient of a step is not finite; the weights must not be kept."""

    def __init__(self, step: int, loss: float, norm: float, *, exact: bool = True) -> None:
        """Tell of a step; where it is not the exact one, it was found by then."""
        super().__init__(f"{'' if exact else 'by '}step {step}: the loss is {loss} and the gradient's norm {norm}")
        self.step = step


class Updates(Protocol):
    """Takes updates; may run ahead of what has been asked for.

    Attributes:
        state: what the network carries from batch to batch.
        immediate: whether an update is done when `take` returns, so that its loss is known without waiting.
        exchange: brings the gradients of all ranks together.
    """

    state: State
    immediate: bool
    exchange: Exchange

    def take(self, batch: Batch, step: int, rate: float) -> None:
        """Learn from batch number `step` at this rate.

        Raises:
            NotFiniteError: the numbers are not finite; the update was not made.
        """

    def losses(self) -> tuple[float, float]:
        """The losses of all updates since `restart`, summed, and the last gradient's norm before clipping.

        Raises:
            NotFiniteError: some were not finite.
        """

    def restart(self, loss_sum: float) -> None:
        """Go on summing from there."""


class Gradient(NamedTuple):
    """What a batch gave.

    Attributes:
        loss: mean nats.
        norm: of all gradients together, before clipping.
        sums: what the optimiser needs besides the gradients (`Optimizer.sums`).
        after: the state after the batch, of this rank's lanes.
    """

    loss: Tensor
    norm: Tensor
    sums: list[Tensor]
    after: State


def gradient(
    network: Network, inputs: Tensor, targets: Tensor, state: State, dropout: Dropout | None, exchange: Exchange
) -> Gradient:
    """Leave the gradients of a batch in the parameters.

    Args:
        network: the model.
        inputs: ids (T, B) of this rank's lanes.
        targets: what came after each.
        state: before them.
        dropout: zeroes what it zeroes.
        exchange: brings the gradients of all ranks together.
    """
    loss, after = network.loss(inputs, targets, state, dropout)
    network.zero_grad()
    loss = loss * exchange.share
    loss.backward()
    whole, sums = exchange(loss.detach())
    norm = torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
    return Gradient(whole, norm, sums, detached(after))


def update(network: Network, optimizer: Optimizer, recipe: Recipe, given: Gradient, numbers: Numbers) -> None:
    """Clip the gradients and take the step."""
    if recipe.clip:
        torch.nn.utils.clip_grads_with_norm_(list(network.parameters()), recipe.clip, given.norm)
    optimizer.step(numbers, given.sums)


class Chance:
    """What a run draws in its steps.

    Attributes:
        dropout: which outputs are zeroed.
        fresh: which lanes start afresh.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.dropout = draws_for(recipe.seed, "dropout", device)
        self.fresh = draws_for(recipe.seed, "fresh", device)

    def dropped(self, recipe: Recipe, step: int, part: slice) -> Dropout | None:
        """The dropout of step number `step` for these of a batch's lanes."""
        self.dropout.go_to(step)
        return Dropout(recipe.dropout, self.dropout.words, recipe.batch_size, part) if recipe.dropout else None


def carried(state: State, carry: Carry, recipe: Recipe, chance: Chance, step: int, ranks: Ranks) -> State:
    """What the state that the last step left in this rank's lanes becomes before this one.

    Where the recipe starts lanes afresh, the model learns to do well from the zero state too.
    """
    if carry == "zero":
        return tuple(tuple(torch.zeros_like(part) for part in layer) for layer in state)
    state = shifted(state, ranks.from_before) if carry == "shift" else state
    if not recipe.fresh:
        return state
    chance.fresh.go_to(step)
    drawn = uniform(chance.fresh.words(recipe.batch_size))[ranks.part(recipe.batch_size)]
    kept = drawn[:, None] >= recipe.fresh
    return tuple(tuple(part * kept for part in layer) for layer in state)


class EagerUpdates:
    """Updates that are done when `take` returns: for CPUs."""

    immediate = True

    def __init__(self, network: Network, optimizer: Optimizer, recipe: Recipe, ranks: Ranks) -> None:
        self._part = ranks.part(recipe.batch_size)
        self.state: State = network.zero_state(self._part.stop - self._part.start)
        self.network, self._optimizer, self._recipe, self._ranks = network, optimizer, recipe, ranks
        self.exchange = Exchange(network, optimizer, recipe, ranks)
        self._chance = Chance(recipe, network.output.weight.device)
        self._sum = self._norm = 0.0

    def take(self, batch: Batch, step: int, rate: float) -> None:
        """See `Updates`."""
        recipe, device = self._recipe, self.network.output.weight.device
        inputs, targets = (torch.from_numpy(part).to(device) for part in (batch.inputs, batch.targets))
        before = carried(self.state, batch.carry, recipe, self._chance, step, self._ranks)
        dropout = self._chance.dropped(recipe, step, self._part)
        given = gradient(self.network, inputs, targets, before, dropout, self.exchange)
        self._ranks.look()
        nats, length = given.loss.item(), given.norm.item()
        if not (math.isfinite(nats) and math.isfinite(length)):
            raise NotFiniteError(step, nats, length)
        update(self.network, self._optimizer, recipe, given, Numbers.of(recipe, rate, step))
        self.state, self._sum, self._norm = given.after, self._sum + nats, length

    def losses(self) -> tuple[float, float]:
        """See `Updates`."""
        return self._sum, self._norm

    def restart(self, loss_sum: float) -> None:
        """See `Updates`."""
        self._sum = loss_sum
