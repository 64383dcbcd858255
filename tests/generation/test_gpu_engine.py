"""The engine for GPUs. Where there is none, the CPU does the recorded work: all but the recording is tested."""

import numpy as np
import pytest
import torch

from understudy.api import Model
from understudy.errors import ConfigError
from understudy.generation.engine import Engine
from understudy.generation.gpu_engine import STEPS, STREAMS, GpuEngine
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling, uniforms
from understudy.generation.stream import Plan, start, write
from understudy.model.file import ModelFile
from understudy.model.gpu import Play, cuda_graph
from understudy.model.parameters import network_of

SAMPLINGS = [Sampling(0.0), Sampling(1.3), Sampling(0.8, top_k=5), Sampling(0.9, top_p=0.7), Sampling(1.0, 7, 0.8)]
each_sampling = pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def done_at_once(work: Play, generator: torch.Generator | None) -> Play:
    """A stand-in for recording: the work is done a few times, as before recording, and then whenever it is played."""
    for _ in range(3):
        work()
    return work


def chances(streams: int, steps: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([uniforms(seed, 0, steps) for seed in range(streams)], 1)


def check_draws(engine: Engine, file: ModelFile, sampling: Sampling, steps: int = 3 * STEPS + 5) -> None:
    """Hold what an engine draws and computes against `Sampling.draw` and a step-by-step reading.

    The engine's logits are its own, to their last digits; where two symbols are as probable to those digits, either may
    come. So what it drew is given as much more as the digits are worth, and may be the draw.
    """
    logits, state = engine.read(np.ones((1, 3), np.int64), engine.zero_state(3))
    given = chances(3, steps)
    ids, last, after = engine.write(logits, state, given, sampling)
    assert ids.shape == (steps, 3)
    exact, before = PortableEngine(file), state
    for t in range(steps):
        close = logits.copy()
        close[np.arange(3), ids[t]] += 2e-5
        drawn = [sampling.draw(seen, given[t]) for seen in (logits, close)]
        assert ((drawn[0] == ids[t]) | (drawn[1] == ids[t])).all()
        logits, before = exact.read(ids[t : t + 1], before)
    np.testing.assert_allclose(last, logits, atol=1e-4)
    for mine, wanted in zip(after, before, strict=True):
        np.testing.assert_allclose(mine, wanted, atol=1e-4)


@each_sampling
def test_steps_and_draws_are_those_of_the_cpu(file: ModelFile, sampling: Sampling) -> None:
    check_draws(GpuEngine(network_of(file), done_at_once), file, sampling)


def test_the_numbers_of_a_kind_of_draw_may_change(file: ModelFile) -> None:
    engine = GpuEngine(network_of(file), done_at_once)
    for sampling in (Sampling(0.9, 5, 0.7), Sampling(1.4, 3, 0.9)):
        check_draws(engine, file, sampling, STEPS)


def test_a_text_is_the_same_alone_and_among_others_than_fit_in_one_row(file: ModelFile) -> None:
    engine = GpuEngine(network_of(file), done_at_once)
    first = start(engine, file.vocabulary, np.array([1, 2]), 5)
    plan = Plan(90, Sampling(0.9, top_p=0.95), ())
    many = [first.reseeded(seed) for seed in range(STREAMS + 3)]
    together = write(engine, file.vocabulary, many, plan)
    assert len(set(together.texts)) > STREAMS
    for seed in (0, STREAMS - 1, STREAMS, STREAMS + 2):
        alone = write(engine, file.vocabulary, [first.reseeded(seed)], plan)
        assert alone.texts[0] == together.texts[seed]
        for mine, theirs in zip(alone.states[0].layers, together.states[seed].layers, strict=True):
            assert np.array_equal(mine, theirs)


def test_the_state_that_is_given_is_left_alone(file: ModelFile) -> None:
    engine = GpuEngine(network_of(file), done_at_once)
    logits, state = engine.read(np.array([[1, 2]]), engine.zero_state(2))
    kept = [part.copy() for part in (logits, *state)]
    engine.write(logits, state, chances(2, 40), Sampling(1.0))
    for part, before in zip((logits, *state), kept, strict=True):
        assert np.array_equal(part, before)


def test_eight_bits_are_for_cpus(file: ModelFile) -> None:
    with pytest.raises(ConfigError, match="int8"):
        Model(file, precision="int8", device="cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(file: ModelFile) -> None:
    with pytest.raises(ConfigError, match="no CUDA device"):
        Model(file, device="cuda").generate(length=1)


@pytest.mark.gpu
@needs_gpu
@each_sampling
def test_recorded_steps_are_those_of_the_cpu(file: ModelFile, sampling: Sampling) -> None:
    check_draws(GpuEngine(network_of(file, device="cuda"), cuda_graph), file, sampling)


@pytest.mark.gpu
@needs_gpu
def test_the_same_seed_gives_the_same_text_on_a_gpu(file: ModelFile) -> None:
    model = Model(file, device="cuda")
    texts = [sample.text for sample in model.samples("a", 70, seed=1, length=100)]
    assert [model.generate("a", seed=seed, length=100) for seed in (1, 64, 70)] == [texts[0], texts[63], texts[69]]
