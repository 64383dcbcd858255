"""A model that came from elsewhere computes what it computed there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.foreign.makers import ALPHABET, FIXTURES, MAKERS, cases, computed, files_of, log_probabilities
from understudy.foreign.importing import import_weights
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of


def logits_of(model: ModelFile, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(T, V) from the zero state."""
    network = network_of(model)
    with torch.no_grad():
        found, _ = network(torch.from_numpy(ids)[:, None], network.zero_state(1))
    return np.asarray(found[:, 0].numpy(), np.float32)


@pytest.mark.parametrize(("maker", "model", "path"), cases(), ids=lambda part: getattr(part, "name", str(part)))
def test_logits_are_the_makers(maker: str, model: str, path: Path) -> None:
    imported = import_weights(path, vocabulary=ALPHABET)
    found, expected = logits_of(imported.model, computed(maker)["ids"].astype(np.int64)), computed(maker)[model]
    assert found.shape == expected.shape == (200, 11)
    assert expected.std() > 0.1
    np.testing.assert_allclose(log_probabilities(found), log_probabilities(expected), rtol=0, atol=1e-5)
    if model != "keras-functional":  # which ends in a softmax
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_every_model_of_every_maker_lies_in_a_file() -> None:
    for maker in MAKERS:
        for model in set(computed(maker)) - {"ids"}:
            assert list(files_of(model)), model
    assert len(cases()) >= 25


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("keras-lstm2.keras", []),
        ("keras-unbiased.keras", []),
        ("torch-lstm2.safetensors", []),
        ("torch-tied.safetensors", ["tied: the output layer has the matrix of embedding"]),
        ("tf-keras-cudnn-gru-checkpoint", ["in this order: model/layer_with_weights-1, model/layer_with_weights-2"]),
        ("keras-tutorial.keras", ["sigmoid and tanh in its GRU"]),
        ("keras-unbiased.weights.h5", ["sigmoid and tanh", "layers/gru: it resets after the product"]),
        ("keras-crossed.weights.h5", ["sigmoid and tanh", "in this order: layers/gru, ant"]),
    ],
)
def test_what_the_file_does_not_tell_is_said(name: str, notes: list[str]) -> None:
    found = import_weights(FIXTURES / name, vocabulary=ALPHABET).notes
    assert len(found) == len(notes)
    for said, expected in zip(found, notes, strict=True):
        assert expected in said
