"""Between a network and the named arrays of a model file."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.model.config import GATES, NGRAM_CODES
from understudy.model.container import Tensors
from understudy.model.file import ModelFile
from understudy.model.network import Network
from understudy.model.rows import known_to, rows_for
from understudy.text.vocabulary import Vocabulary


def arrays(network: Network) -> dict[str, NDArray[Any]]:
    """The parameters as arrays, in float32 (and the codes); on a CPU they share the network's memory."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def put(network: Network, tensors: Tensors) -> None:
    """Set all parameters from arrays of their shapes."""
    network.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()})


def network_of(
    model: ModelFile,
    *,
    precision: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Network:
    """The network that a model file holds."""
    network = Network(model.config, precision=precision, device=device)
    put(network, model.tensors)
    return network


def put_under(network: Network, vocabulary: Vocabulary, counts: NDArray[np.int64], model: ModelFile) -> None:
    """Set the parameters from a model of another vocabulary (`rows.rows_for`).

    In a model with n-grams, new symbols get codes that nothing has yet.

    Args:
        network: as it was initialised.
        vocabulary: its symbols.
        counts: how often each of them comes in what is learned from, (V,).
        model: where the parameters come from.
    """
    assert GATES[network.config.cell] == GATES[model.config.cell]
    fresh = arrays(network)["embedding.weight"].copy()
    merged = {**model.tensors, **rows_for(vocabulary, counts, model, fresh)}
    if NGRAM_CODES in merged:
        codes = np.asarray(merged[NGRAM_CODES])
        unused = np.setdiff1d(np.arange(1, len(vocabulary) + len(codes) + 1, dtype=np.int64), codes)
        known, places = known_to(model.vocabulary, vocabulary)
        merged[NGRAM_CODES] = unused[: len(vocabulary)].copy()
        merged[NGRAM_CODES][known] = codes[places[known]]
    put(network, merged)
