"""The engine over a live network, on any device: for samples while training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, by_stream
from understudy.generation.forbidden import Forbidden
from understudy.generation.sampling import Floats, Sampling, draw_each
from understudy.model.gpu import check_not_forked
from understudy.model.network import Network


class TorchEngine:
    """Steps streams of a network as it is at the moment of the step."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._device = network.output.weight.device

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        return tuple(part.cpu().numpy() for layer in self._network.zero_state(streams) for part in layer)

    @torch.no_grad()
    def read(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (T, B), T ≥ 1, and the state before them give the logits (B, V) and the state after the last."""
        if self._device.type == "cuda":
            check_not_forked()
        parts = iter(torch.from_numpy(np.array(part)).to(self._device) for part in state)
        layers = tuple(tuple(next(parts) for _ in widths) for widths in self._network.config.state_widths)
        block = torch.from_numpy(np.asarray(ids, np.int64)).to(self._device)
        logits, after = self._network(block, layers)
        return logits[-1].cpu().numpy(), tuple(part.cpu().numpy() for layer in after for part in layer)

    def write(
        self,
        logits: Floats,
        state: EngineState,
        uniforms: NDArray[np.float64],
        sampling: Sampling | Sequence[Sampling],
        *,
        forbidden: Forbidden | None = None,
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Engine.write`."""
        settings = by_stream(sampling, len(logits))
        drawn = np.empty(uniforms.shape, np.int64)
        for t, chances in enumerate(uniforms):
            if forbidden is None:
                drawn[t] = draw_each(logits, chances, settings)
            else:
                drawn[t] = forbidden.draw_each(logits, chances, settings, drawn[:t])
            logits, state = self.read(drawn[t : t + 1], state)
        return drawn, logits, state
