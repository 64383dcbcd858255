"""Models to be exported, and what they compute and write, by the network itself."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from tests.generation.conftest import ALPHABET, model_file
from understudy.generation.sampling import Sampling, uniforms
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of
from understudy.text.vocabulary import Vocabulary, opening

KINDS = ("gru-1-0", "lstm-1-0", "gru-2-0", "lstm-3-0", "gru-2-50", "lstm-1-50")
"""A model's cell, its layers, and the rows of its table of n-grams."""


def example(kind: str = "gru-1-0", *, symbols: str = ALPHABET) -> ModelFile:
    """An untrained model of that kind; of bytes where there are no symbols."""
    cell, layers, ngrams = kind.split("-")
    vocabulary = Vocabulary.of_text(symbols) if symbols else Vocabulary.of_bytes()
    random = np.random.default_rng(7)
    made = model_file("gru" if cell == "gru" else "lstm", int(layers), vocabulary, ngrams=int(ngrams))
    for name, tensor in made.tensors.items():
        if "bias" in name:  # which begins at zero in most of a new model
            tensor[:] = random.normal(0, 0.3, tensor.shape)
    if int(ngrams):  # codes are no ids: a vocabulary may have grown
        made.tensors["ngrams.codes"][:] = np.arange(len(vocabulary), 0, -1, dtype=np.int64) * 60_013
    return made


@torch.no_grad()
def logits_of(model: ModelFile, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the network expects after each of the ids (T, B), from the zero state: (T, B, V)."""
    network = network_of(model)
    found: NDArray[np.float32] = network(torch.from_numpy(ids), network.zero_state(ids.shape[1]))[0].numpy()
    return found


@torch.no_grad()
def written(model: ModelFile, start: str, seed: int, length: int, sampling: Sampling) -> Iterator[int]:
    """The ids that the network writes after a text, drawn with the seed's numbers."""
    network = network_of(model)
    given = model.vocabulary.encode(start) if start else np.array([opening(model.vocabulary)], np.int64)
    logits, state = network(torch.from_numpy(given[:, None]), network.zero_state(1))
    for chance in uniforms(seed, 0, length):
        drawn = sampling.draw(logits[-1].numpy(), np.array([chance]))
        yield int(drawn[0])
        logits, state = network(torch.from_numpy(drawn[:, None]), state)
