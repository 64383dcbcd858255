"""The engine over a live network, on any device: for samples while training."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.generation.engine import EngineState, Floats
from understudy.model.config import STATES
from understudy.model.network import Network


class TorchEngine:
    """Steps streams of a network as it is at the moment of the step."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._device = network.output.weight.device
        self._parts = STATES[network.config.cell]

    def zero_state(self, streams: int) -> EngineState:
        """The state before any text, for B = `streams`."""
        return tuple(part.cpu().numpy() for layer in self._network.zero_state(streams) for part in layer)

    @torch.inference_mode()
    def step(self, ids: NDArray[np.integer[Any]], state: EngineState) -> tuple[Floats, EngineState]:
        """Ids (B,) and the state before them give logits (B, V) and the state after them."""
        parts = [torch.from_numpy(np.array(part)).to(self._device) for part in state]
        layers = tuple(tuple(parts[i : i + self._parts]) for i in range(0, len(parts), self._parts))
        block = torch.from_numpy(np.asarray(ids, np.int64))[None].to(self._device)
        logits, after = self._network(block, layers)
        return logits[0].cpu().numpy(), tuple(part.cpu().numpy() for layer in after for part in layer)
