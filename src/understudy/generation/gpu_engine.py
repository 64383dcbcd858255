"""The engine for GPUs: many steps and their draws are recorded once, and played without entering Python."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from understudy.generation.engine import EngineState, by_stream
from understudy.generation.forbidden import Forbidden
from understudy.generation.sampling import Floats, Sampling
from understudy.generation.torch_engine import TorchEngine
from understudy.model.config import STATES
from understudy.model.gpu import Play, Record, check_not_forked, cuda_graph
from understudy.model.network import Layer, Network

STREAMS = 64
"""Streams are always computed in rows of so many, so that a stream's sums are made in the same order beside others as
alone; to a GPU it is the same work."""
STEPS = 32
"""Characters that are recorded together."""


class Draw(NamedTuple):
    """What a draw depends on, as tensors () on the device.

    Attributes:
        temperature: divides the logits.
        top_k: so many of the most probable symbols stay.
        top_p: so much of their probability stays.
    """

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor


def drawn(logits: Tensor, chances: Tensor, draw: Draw, kind: Sampling) -> Tensor:
    """One id a stream, (B,), from logits (B, V) and uniform numbers (B,) in (0, 1), as `Sampling.draw` does it.

    Of `kind` it matters only what there is to be done; the numbers are those of `draw`.
    """
    exact = logits.double()
    if kind.greedy:
        return exact.argmax(-1)
    weights = torch.softmax((exact - exact.amax(-1, keepdim=True)) / draw.temperature, -1)
    order = None
    if kind.ranks:
        weights, order = weights.sort(stable=True, dim=-1, descending=True)
    if kind.top_k is not None:
        weights = weights * (torch.arange(weights.shape[-1], device=weights.device) < draw.top_k)
    if kind.top_p is not None:
        before = weights.cumsum(-1) - weights
        weights = weights * (before < draw.top_p * weights.sum(-1, keepdim=True))
    sums = weights.cumsum(-1)
    place = (sums < chances[:, None] * sums[:, -1:]).sum(-1, keepdim=True)
    return (place if order is None else order.gather(-1, place))[:, 0]


class _Recorded(NamedTuple):
    """Some steps for one kind of draw: the buffers that they read, carry on and write, and how to play them.

    Attributes:
        chances: (T, B).
        draw: what the draw depends on.
        ids: (T, B), written.
        play: does the steps.
    """

    chances: Tensor
    draw: Draw
    ids: Tensor
    play: Play


class GpuEngine(TorchEngine):
    """Writes with a network that does not change; products in the type of its weights."""

    def __init__(self, network: Network, record: Record = cuda_graph) -> None:
        super().__init__(network)
        self._record = record
        self._logits = torch.zeros(STREAMS, network.config.vocabulary, device=self._device)
        self._state = [part for layer in network.zero_state(STREAMS) for part in layer]
        self._recorded: dict[tuple[bool, bool, bool, int], _Recorded] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: not the recordings, which are made again."""
        return self.__dict__ | {"_recorded": {}}

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
        *,
        forbidden: Forbidden | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Engine.write`. Streams of the same setting are written together."""
        check_not_forked()
        if forbidden is not None:  # each symbol is looked at before it is read, so nothing can be recorded
            return super().write(logits, state, uniforms, sampling, forbidden=forbidden)
        settings = by_stream(sampling, len(logits))
        ids, after = np.empty(uniforms.shape, np.int64), np.array(logits)
        states = tuple(np.array(part) for part in state)
        for setting in set(settings):
            alike = np.flatnonzero(np.array([other == setting for other in settings], bool))
            for first in range(0, len(alike), STREAMS):
                some = alike[first : first + STREAMS]
                given = tuple(part[some] for part in state)
                ids[:, some], after[some], parts = self._write(logits[some], given, uniforms[:, some], setting)
                for whole, part in zip(states, parts, strict=True):
                    whole[some] = part
        return ids, after, states

    @torch.no_grad()
    def _write(
        self, logits: Floats, state: EngineState, uniforms: NDArray[np.float64], sampling: Sampling
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """`write` for at most STREAMS streams."""
        streams, ids = len(logits), []
        self._logits[:streams] = torch.from_numpy(np.array(logits)).to(self._device)
        for mine, part in zip(self._state, state, strict=True):
            mine[:streams] = torch.from_numpy(np.array(part)).to(self._device)
        chances = torch.from_numpy(np.array(uniforms)).to(self._device)
        begin = 0
        while begin < len(chances):
            steps = STEPS if len(chances) - begin >= STEPS else 1
            recorded = self._steps(steps, sampling)
            recorded.chances[:, :streams] = chances[begin : begin + steps]
            recorded.play()
            ids.append(recorded.ids[:, :streams].clone())
            begin += steps
        found: NDArray[np.int64] = torch.cat(ids).cpu().numpy()
        after, *states = (np.array(part[:streams].cpu().numpy()) for part in (self._logits, *self._state))
        return found, after, tuple(states)

    def _steps(self, steps: int, sampling: Sampling) -> _Recorded:
        """So many steps, recorded when first asked for, with this sampling's numbers."""
        kind = (sampling.greedy, sampling.top_k is not None, sampling.top_p is not None, steps)
        if kind not in self._recorded:
            self._recorded[kind] = self._prepare(steps, sampling)
        recorded = self._recorded[kind]
        recorded.draw.temperature.fill_(sampling.temperature)
        recorded.draw.top_k.fill_(sampling.top_k or 0)
        recorded.draw.top_p.fill_(sampling.top_p or 0.0)
        return recorded

    def _prepare(self, steps: int, sampling: Sampling) -> _Recorded:
        """Record steps; what recording changes is put back."""
        chances = torch.full((steps, STREAMS), 0.5, dtype=torch.float64, device=self._device)
        ids = torch.zeros(steps, STREAMS, dtype=torch.int64, device=self._device)
        draw = Draw(
            *(torch.ones((), dtype=kind, device=self._device) for kind in (torch.double, torch.long, torch.double))
        )

        def work() -> None:
            for t in range(steps):
                ids[t] = drawn(self._logits, chances[t], draw, sampling)
                self._step(ids[t])

        kept = [(tensor, tensor.clone()) for tensor in (self._logits, *self._state)]
        play = self._record(work, None)
        for tensor, before in kept:
            tensor.copy_(before)
        return _Recorded(chances, draw, ids, play)

    def _step(self, ids: Tensor) -> None:
        """Read ids (B,): logits and state move on."""
        network, parts = self._network, STATES[self._network.config.cell]
        x = F.embedding(ids, network.embedding.weight)
        if network.ngrams is not None:
            whole, recent = network.ngrams(x[None], ids[None], self._state[-1])
            x = whole[0]
            self._state[-1].copy_(recent)
        for place, layer in enumerate(network.layers):
            assert isinstance(layer, Layer)
            state = self._state[place * parts : (place + 1) * parts]
            if network.config.cell == "gru":
                after = [torch.gru_cell(x, state[0], *layer.weights)]
            else:
                after = list(torch.lstm_cell(x, state, *layer.weights))
            for mine, new in zip(state, after, strict=True):
                mine.copy_(new)
            x = after[0]
        self._logits.copy_(F.linear(x, network.output.weight, network.output.bias))
