"""Between a network and the arrays of a model file."""

import numpy as np
import pytest
import torch

from tests.generation.conftest import model_file
from understudy.model.config import LARGEST_CODE, ModelConfig
from understudy.model.file import ModelFile
from understudy.model.network import Network
from understudy.model.parameters import arrays, put_under
from understudy.text.vocabulary import Vocabulary


@pytest.mark.parametrize("largest", [3, 200, LARGEST_CODE])
def test_new_symbols_get_codes_that_nothing_has_and_a_state_can_hold(largest: int) -> None:
    old, new = Vocabulary.of_text("ace"), Vocabulary.of_text("abcdef")
    model = model_file("gru", 1, old, ngrams=10)
    codes = np.array([2, largest, 1], np.int64)
    known = ModelFile(model.config, old, {}, {**model.tensors, "ngrams.codes": codes})
    network = Network(ModelConfig("gru", len(new), 12, 24, 1, 10))
    torch.nn.init.zeros_(network.embedding.weight)
    put_under(network, new, np.ones(len(new), np.int64), known)
    merged = arrays(network)["ngrams.codes"]
    assert merged[[0, 2, 4]].tolist() == [2, largest, 1], "a symbol's code is what it was"
    assert len(set(merged.tolist())) == len(new)
    assert merged.min() >= 1
    assert merged.max() <= LARGEST_CODE
