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


def model_file(cell: Cell, layers: int, vocabulary: Vocabulary, seed: int = 0) -> ModelFile:
    """An untrained model with weights large enough to have opinions."""
    network = Network(ModelConfig(cell, len(vocabulary), 12, 24, layers))
    initialize(network, "default", seed)
    tensors = {name: np.array(array) for name, array in parameters.arrays(network).items()}
    tensors["output.weight"] *= 3
    return ModelFile(network.config, vocabulary, {}, tensors)


@pytest.fixture(params=["gru-1", "lstm-1", "gru-2", "lstm-3"])
def file(request: pytest.FixtureRequest) -> ModelFile:
    cell, layers = request.param.split("-")
    return model_file(cell, int(layers), Vocabulary.of_text(ALPHABET))


@pytest.fixture
def model(file: ModelFile) -> Model:
    return Model(file)


@pytest.fixture
def byte_model() -> Model:
    return Model(model_file("gru", 1, Vocabulary.of_bytes()))
