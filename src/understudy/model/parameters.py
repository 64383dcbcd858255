"""Between a network and the named arrays of a model file."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.model.config import GATES, NGRAM_CODES
from understudy.model.container import Tensors
from understudy.model.file import ModelFile
from understudy.model.network import Network
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


def put_under(network: Network, vocabulary: Vocabulary, model: ModelFile) -> None:
    """Set the parameters from a model whose vocabulary may be smaller.

    Rows of the embedding and the output layer go to the ids that their symbols have now; the rows of symbols
    that the model never saw keep what they were initialised with, but start as improbable as the model's rarest. Their
    codes in n-grams are ones that nothing has yet.
    """
    assert GATES[network.config.cell] == GATES[model.config.cell]
    places = np.searchsorted(vocabulary.symbols, model.vocabulary.symbols)
    merged = {name: array.copy() for name, array in arrays(network).items()}
    for name, tensor in model.tensors.items():
        if name in ("embedding.weight", "output.weight", "output.bias"):
            if name == "output.bias":
                merged[name][:] = tensor.min()
            if name == "output.weight":
                merged[name][:] = tensor.mean(0)
            merged[name][places] = tensor
        elif name == NGRAM_CODES:
            merged[name] = np.setdiff1d(np.arange(1, len(merged[name]) + len(tensor) + 1, dtype=np.int64), tensor)
            merged[name] = merged[name][: len(vocabulary)]
            merged[name][places] = tensor
        else:
            merged[name] = np.asarray(tensor)
    put(network, merged)
