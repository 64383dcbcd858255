"""The recurrences. Every implementation is one function of one signature, `Recurrence`.

    outputs, state = recurrence(inputs, weights, state, products)

Shapes: inputs (T, B, E), outputs (T, B, H), state a tuple of (B, H): h for a GRU, h and c for an LSTM.
"""

import torch

from understudy.model.config import Cell
from understudy.model.recurrence import compiled, native
from understudy.model.recurrence.contract import Embedded, LayerState, LayerWeights, Recurrence
from understudy.model.recurrence.cpu import CpuRecurrence


def recurrence_for(cell: Cell, device: torch.device) -> Recurrence:
    """The fastest implementation of a cell on a device; it may keep memory, so each network has its own."""
    if device.type == "cpu" and compiled.available():
        return CpuRecurrence(cell)
    return native.gru if cell == "gru" else native.lstm


__all__ = ["Embedded", "LayerState", "LayerWeights", "Recurrence", "recurrence_for"]
