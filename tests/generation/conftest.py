import numpy as np
import pytest

from understudy.api import Model
from understudy.model import parameters
from understudy.model.config import Cell, ModelConfig
from understudy.model.file import ModelFile
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.text.vocabulary import Vocabulary

ALPHABET = "\n !,.abcdefghijklmnopqrstuvwxyzéЖ漢🎭"


def model_file(cell: Cell, layers: int, vocabulary: Vocabulary, seed: int = 0, ngrams: int = 0) -> ModelFile:
    """An untrained model with weights large enough to have opinions."""
    network = Network(ModelConfig(cell, len(vocabulary), 12, 24, layers, ngrams))
    initialize(network, "default", seed)
    tensors = {name: np.array(array) for name, array in parameters.arrays(network).items()}
    if ngrams:
        table = tensors["ngrams.weight"]
        table[:] = np.random.default_rng(seed).normal(size=table.shape)
    tensors["output.weight"] *= 3
    return ModelFile(network.config, vocabulary, {}, tensors)


@pytest.fixture(params=["gru-1-0", "lstm-1-0", "gru-2-0", "lstm-3-0", "gru-2-50", "lstm-1-50"])
def file(request: pytest.FixtureRequest) -> ModelFile:
    cell, layers, ngrams = request.param.split("-")
    return model_file(cell, int(layers), Vocabulary.of_text(ALPHABET), ngrams=int(ngrams))


@pytest.fixture
def model(file: ModelFile) -> Model:
    return Model(file)


@pytest.fixture
def byte_model() -> Model:
    return Model(model_file("gru", 1, Vocabulary.of_bytes()))
