"""Calibration: how often what was given probability p came."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.evaluation.protocols import streamed_passes
from understudy.model.network import Network
from understudy.text.encoded import Ids

EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 1.0)


class Bin(NamedTuple):
    """The predictions whose probability lies between two edges.

    Attributes:
        low: the lower edge.
        high: the upper edge.
        predictions: how many there were; every character of the vocabulary is predicted at every place.
        expected: their mean probability.
        came: the share of them that came true.
    """

    low: float
    high: float
    predictions: int
    expected: float
    came: float


class Calibration(NamedTuple):
    """What `calibration` found.

    Attributes:
        bins: the bins that have predictions, from low to high.
        error: by how much a prediction was off, as a mean over places: Σ over bins of |Σ (probability − came)|.
    """

    bins: list[Bin]
    error: float


def calibration(network: Network, ids: Ids, *, streams: int | None = None) -> Calibration:
    """Hold every predicted probability of a streamed pass over the text against what came.

    Args:
        network: the model.
        ids: the text.
        streams: how many streams, where not as `streamed` has it.

    Raises:
        TextError: the text has fewer than two characters.
    """
    edges = np.array(EDGES)
    counts, sums, hits = (np.zeros(len(edges) - 1) for _ in range(3))
    places = 0

    def bins_of(shares: torch.Tensor) -> NDArray[np.int64]:
        return np.clip(np.searchsorted(edges, shares.flatten().cpu().numpy(), "right") - 1, 0, len(counts) - 1)

    for logits, targets in streamed_passes(network, ids, streams=streams):
        shares = torch.softmax(logits.double(), -1)
        came = bins_of(shares.gather(1, targets[:, None]))
        given: NDArray[np.float64] = shares.flatten().cpu().numpy()
        bins = bins_of(shares)
        counts += np.bincount(bins, minlength=len(counts))
        sums += np.bincount(bins, given, len(counts))
        hits += np.bincount(came, minlength=len(counts))
        places += len(targets)
    rows = zip(EDGES[:-1], EDGES[1:], counts, sums, hits, strict=True)
    found = [Bin(low, high, int(n), expected / n, came / n) for low, high, n, expected, came in rows if n]
    return Calibration(found, float(np.abs(sums - hits).sum() / places))
