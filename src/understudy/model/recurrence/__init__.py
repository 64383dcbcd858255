"""The recurrences. Every implementation is one function of one signature, `Recurrence`.

    outputs, state = recurrence(inputs, weights, state)

Shapes: inputs (T, B, E), outputs (T, B, H), state a tuple of (B, H): h for a GRU, h and c for an LSTM.
"""

from understudy.model.recurrence.contract import LayerState, LayerWeights, Recurrence
from understudy.model.recurrence.native import gru, lstm

NATIVE: dict[str, Recurrence] = {"gru": gru, "lstm": lstm}

__all__ = ["NATIVE", "LayerState", "LayerWeights", "Recurrence"]
