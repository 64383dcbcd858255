import numpy as np
import torch

from understudy.generation.engine import Engine, read
from understudy.generation.onnx_engine import OnnxEngine
from understudy.generation.torch_engine import TorchEngine
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of


def engines(file: ModelFile) -> list[Engine]:
    return [OnnxEngine(file), TorchEngine(network_of(file))]


def test_engines_compute_what_the_network_computes(file: ModelFile) -> None:
    ids = np.random.default_rng(0).integers(0, file.config.vocabulary, (20, 3))
    network = network_of(file)
    with torch.no_grad():
        expected, after = network(torch.from_numpy(ids), network.zero_state(3))
    flat = [part.numpy() for layer in after for part in layer]
    for engine in engines(file):
        state = engine.zero_state(3)
        for place in range(20):
            logits, state = engine.step(ids[place], state)
            np.testing.assert_allclose(logits, expected[place].numpy(), atol=2e-5, rtol=1e-5)
        for mine, theirs in zip(state, flat, strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_a_stream_is_the_same_to_the_last_bit_whatever_streams_are_beside_it(file: ModelFile) -> None:
    engine = OnnxEngine(file)
    ids = np.random.default_rng(1).integers(0, file.config.vocabulary, (15, 64))
    many = engine.zero_state(64)
    for place in range(15):
        logits, many = engine.step(ids[place], many)
    for stream in (0, 5, 63):
        alone, state = read(engine, ids[:, stream])
        assert np.array_equal(alone[0], logits[stream])
        assert all(np.array_equal(a[0], m[stream]) for a, m in zip(state, many, strict=True))


def test_a_step_leaves_the_state_that_it_was_given_alone(file: ModelFile) -> None:
    for engine in engines(file):
        state = engine.zero_state(2)
        _, after = engine.step(np.array([1, 2]), state)
        assert all(not part.any() for part in state)
        assert all(part.any() for part in after)
