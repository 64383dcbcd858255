import numpy as np
import pytest
import torch

from tests.generation.conftest import ALPHABET, model_file
from tests.generation.test_gpu_engine import done_at_once
from understudy.generation.engine import Engine
from understudy.generation.gpu_engine import GpuEngine
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.portable.packing import NUMBERS, Numbers
from understudy.generation.sampling import Sampling
from understudy.generation.torch_engine import TorchEngine
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of
from understudy.text.vocabulary import Vocabulary


def engines(file: ModelFile) -> list[Engine]:
    return [PortableEngine(file), TorchEngine(network_of(file))]


def test_engines_compute_what_the_network_computes(file: ModelFile) -> None:
    ids = np.random.default_rng(0).integers(0, file.config.vocabulary, (20, 3))
    network = network_of(file)
    with torch.no_grad():
        expected, after = network(torch.from_numpy(ids), network.zero_state(3))
    flat = [part.numpy() for layer in after for part in layer]
    for engine in engines(file):
        state = engine.zero_state(3)
        for first, last in ((0, 1), (1, 2), (2, 20)):
            logits, state = engine.read(ids[first:last], state)
            np.testing.assert_allclose(logits, expected[last - 1].numpy(), atol=2e-5, rtol=1e-5)
        for mine, theirs in zip(state, flat, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_stream_is_the_same_to_the_last_bit_whatever_streams_are_beside_it(file: ModelFile, numbers: Numbers) -> None:
    engine = PortableEngine(file, numbers=numbers)
    ids = np.random.default_rng(1).integers(0, file.config.vocabulary, (15, 64))
    logits, many = engine.read(ids, engine.zero_state(64))
    for stream in (0, 5, 63):
        alone, state = engine.read(ids[:, stream : stream + 1], engine.zero_state(1))
        assert np.array_equal(alone[0], logits[stream])
        assert all(np.array_equal(a[0], m[stream]) for a, m in zip(state, many, strict=True))


def test_a_step_leaves_the_state_that_it_was_given_alone(file: ModelFile) -> None:
    for engine in engines(file):
        state = engine.zero_state(2)
        _, after = engine.read(np.array([[1, 2]]), state)
        assert all(not part.any() for part in state)
        assert all(part.any() for part in after)


@pytest.mark.parametrize("temperature", [1e-6, 1e-300, 1e-308, 5e-324])
@pytest.mark.parametrize(("top_k", "top_p"), [(None, None), (5, None), (None, 0.7), (7, 0.8)])
def test_as_the_temperature_falls_the_most_probable_symbol_comes(
    temperature: float, top_k: int | None, top_p: float | None
) -> None:
    file = model_file("gru", 2, Vocabulary.of_text(ALPHABET))
    sampling, B, T = Sampling(temperature, top_k, top_p), 3, 12
    for engine in (*engines(file), GpuEngine(network_of(file), done_at_once)):
        logits, state = engine.read(np.array([[1, 2, 3]], np.int64), engine.zero_state(B))
        for edge in (2.0**-60, 0.5, 1 - 2.0**-40):
            chances = np.full((T, B), edge)
            surest, _, _ = engine.write(logits, state, chances, Sampling(0.0))
            assert len(set(surest.ravel().tolist())) > 2, "not the same symbol for ever"
            ids, _, _ = engine.write(logits, state, chances, sampling)
            assert np.array_equal(ids, surest)
