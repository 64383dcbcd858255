"""Updates that are recorded once and played again: for GPUs.

A whole step (both passes, clipping, the optimiser, the running mean) becomes one CUDA graph. All that differs from step
to step lies in buffers that are filled before it is played; nothing waits for the GPU until the losses are asked for.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from understudy.model.chance import GpuDraws
from understudy.model.gpu import Play, Record, cuda_graph
from understudy.model.network import Network, State
from understudy.ranks.contract import Ranks
from understudy.text.batches import Batch
from understudy.training.exchange import Exchange
from understudy.training.optimizer import Numbers, Optimizer
from understudy.training.recipe import Recipe
from understudy.training.update import Chance, NotFiniteError, carried, gradient, update


class _Recorded(NamedTuple):
    """A step for batches of one length: where it reads ids (T, B), and how to play it."""

    inputs: Tensor
    targets: Tensor
    play: Play


class CapturedUpdates:
    """See `Updates`; `take` returns before the update is done."""

    immediate = False

    def __init__(
        self, network: Network, optimizer: Optimizer, recipe: Recipe, ranks: Ranks, record: Record = cuda_graph
    ) -> None:
        device = network.output.weight.device
        self._network, self._optimizer, self._recipe, self._record = network, optimizer, recipe, record
        self._ranks, self._part = ranks, ranks.part(recipe.batch_size)
        self.exchange = Exchange(network, optimizer, recipe, ranks)
        self._chance = Chance(recipe, device)
        self._state = network.zero_state(self._part.stop - self._part.start)
        self._numbers = torch.zeros(len(Numbers._fields), device=device)
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)  # of the losses; the last norm, or not finite
        self._recorded: dict[int, _Recorded] = {}
        self._step = 0

    @property
    def state(self) -> State:
        """What the network carries from batch to batch; it changes with the next update."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        for mine, new in zip(self._parts(self._state), self._parts(state), strict=True):
            mine.copy_(new)

    def take(self, batch: Batch, step: int, rate: float) -> None:
        """See `Updates`."""
        length = len(batch.inputs)
        if length not in self._recorded:
            self._recorded[length] = self._prepare(batch)
        inputs, targets, play = self._recorded[length]
        self._send(torch.from_numpy(batch.inputs), inputs)
        self._send(torch.from_numpy(batch.targets), targets)
        self._send(torch.stack(Numbers.of(self._recipe, rate, step)), self._numbers)
        self.state = carried(self._state, batch.carry, self._recipe, self._chance, step, self._ranks)
        self._chance.dropout.go_to(step)
        self._step = step
        play()

    def losses(self) -> tuple[float, float]:
        """See `Updates`; waits for the GPU."""
        self._ranks.look()
        total, norm = self._sums.tolist()
        if not (math.isfinite(total) and math.isfinite(norm)):
            raise NotFiniteError(self._step, total, norm, exact=False)
        return total, norm

    def restart(self, loss_sum: float) -> None:
        """See `Updates`."""
        self._sums.copy_(torch.tensor([loss_sum, 0.0], dtype=torch.float64))

    def _prepare(self, batch: Batch) -> _Recorded:
        """Record a step; what recording changes is put back."""
        inputs, targets = (self._buffer(part) for part in (batch.inputs, batch.targets))
        draws = self._chance.dropout
        dropout = self._chance.dropped(self._recipe, 0, self._part)

        def work() -> None:
            given = gradient(self._network, inputs, targets, self._state, dropout, self.exchange)
            update(self._network, self._optimizer, self._recipe, given, Numbers(*self._numbers.unbind()))
            self.state = given.after
            self._sums[0] += given.loss
            self._sums[1] = given.norm + 0 * self._sums[1]  # what was not finite stays so

        kept = [(tensor, tensor.clone()) for tensor in self._changing()]
        play = self._record(work, draws.generator if isinstance(draws, GpuDraws) else None)
        with torch.no_grad():
            for tensor, before in kept:
                tensor.copy_(before)
        return _Recorded(inputs, targets, play)

    def _changing(self) -> list[Tensor]:
        """All that a step changes."""
        parameters = list(self._network.parameters())
        moments = [moment for parameter in parameters for moment in self._optimizer.moments(parameter).values()]
        return [*(parameter.detach() for parameter in parameters), *moments, *self._parts(self._state), self._sums]

    def _buffer(self, ids: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(ids).to(self._sums.device, copy=True)

    def _send(self, values: Tensor, to: Tensor) -> None:
        """Copy to the device, without waiting for it."""
        values = values.pin_memory() if to.device.type == "cuda" else values
        to.copy_(values, non_blocking=True)

    @staticmethod
    def _parts(state: State) -> list[Tensor]:
        return [part for layer in state for part in layer]
