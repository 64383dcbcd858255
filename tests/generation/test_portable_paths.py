"""One engine, the same bits: on every path that this processor has, in NumPy, on any number of threads."""

import copy
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.generation.paths import paths_here, taking
from tests.portable.examples import DRAWS, MODELS, opinionated
from understudy.errors import ConfigError
from understudy.generation.engine import Trace
from understudy.generation.portable import compiled
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.portable.packing import NUMBERS, Numbers
from understudy.generation.sampling import Sampling, uniforms
from understudy.model.config import ModelConfig

LARGE = ModelConfig("gru", 11, 7, 421, 1)
"""So large that two threads share the units of one stream."""
READ, WRITTEN = 3, 9
needs_library = pytest.mark.skipif(not compiled.available(), reason="nothing was compiled")
each_numbers = pytest.mark.parametrize("numbers", NUMBERS)
each_model = pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
each_quick_model = pytest.mark.parametrize(
    "config",
    [pytest.param(config, marks=pytest.mark.slow if name == "embedded" else ()) for name, config in MODELS.items()],
    ids=MODELS,
)


@cache
def engine(config: ModelConfig, numbers: Numbers, path: str = "numpy", threads: int = 1) -> PortableEngine:
    with taking(path):
        return PortableEngine(opinionated(config), numbers=numbers, threads=threads)


def settings(streams: int) -> list[Sampling]:
    """Another way to draw for each neighbour."""
    return list(islice(cycle(DRAWS.values()), streams))


def chances(streams: int, first: int = 0, count: int = WRITTEN) -> NDArray[np.float64]:
    return np.stack([uniforms(seed, first, count) for seed in range(streams)], 1)


def some_ids(config: ModelConfig, streams: int) -> NDArray[np.int64]:
    return np.random.default_rng(streams).integers(0, config.vocabulary, (READ, streams))


def seen(writer: PortableEngine, config: ModelConfig, streams: int) -> dict[str, bytes]:
    """All that an engine gives for some text that it reads, and goes on with: every bit."""
    V, H, L = config.vocabulary, config.units, config.layers
    found: dict[str, Any] = {}
    logits, state = np.zeros((streams, V), np.float32), writer.zero_state(streams)
    for name, length in (("reading", READ), ("writing", WRITTEN)):
        trace = Trace(np.empty((length, streams, V), np.float32), np.empty((length, L, streams, H), np.float32))
        if name == "reading":
            logits, state = writer.trace(some_ids(config, streams), state, trace)
        else:
            found["ids"], logits, state = writer.write(logits, state, chances(streams), settings(streams), trace)
        found |= {f"{name}: logits of every step": trace.logits, f"{name}: h of every step": trace.hidden}
        found |= {f"{name}: logits": logits} | {f"{name}: state {part}": array for part, array in enumerate(state)}
    assert all(np.isfinite(array).all() for array in found.values())
    return {name: array.tobytes() for name, array in found.items()}


@needs_library
@each_numbers
@each_model
def test_every_path_gives_numpy_s_bits(config: ModelConfig, numbers: Numbers) -> None:
    assert len(paths_here()) > 1
    for streams in (1, 3, 10):
        expected = seen(engine(config, numbers), config, streams)
        for path in paths_here()[:-1]:
            found = seen(engine(config, numbers, path), config, streams)
            assert found.keys() == expected.keys()
            different = [name for name in found if found[name] != expected[name]]
            assert not different, (path, streams)


@needs_library
@each_numbers
@pytest.mark.parametrize("streams", [1, 2, pytest.param(33, marks=pytest.mark.slow)])
def test_threads_that_share_the_units_or_the_streams_of_a_large_model_change_no_bit(
    numbers: Numbers, streams: int
) -> None:
    expected = seen(engine(LARGE, numbers), LARGE, streams)
    for path in paths_here()[:-1]:
        for threads in (1, 2, 5):
            assert seen(engine(LARGE, numbers, path, threads), LARGE, streams) == expected, (path, threads)


@each_numbers
@each_quick_model
def test_a_stream_among_others_with_settings_of_their_own_is_what_it_is_alone(
    config: ModelConfig, numbers: Numbers
) -> None:
    streams = 2 * len(DRAWS) + 1
    for path in {paths_here()[0], paths_here()[-1]}:
        writer = engine(config, numbers, path, 2)
        given, ways = chances(streams), settings(streams)
        logits, state = writer.read(some_ids(config, streams), writer.zero_state(streams))
        ids, last, after = writer.write(logits, state, given, ways)
        for row in range(streams):
            alone = [part[row : row + 1] for part in (logits, *state)]
            own, end, parts = writer.write(alone[0], tuple(alone[1:]), given[:, row : row + 1], ways[row])
            assert np.array_equal(own[:, 0], ids[:, row])
            assert end.tobytes() == last[row].tobytes()
            assert [part.tobytes() for part in parts] == [part[row].tobytes() for part in after]


@each_numbers
@each_quick_model
def test_a_stretch_is_its_steps_one_by_one(config: ModelConfig, numbers: Numbers) -> None:
    """What is drawn is `Sampling.draw`; what is kept of every step is what a step alone gives."""
    streams = len(DRAWS)
    for path in {paths_here()[0], paths_here()[-1]}:
        writer = engine(config, numbers, path)
        logits, state = writer.read(some_ids(config, streams), writer.zero_state(streams))
        shape = WRITTEN, streams
        trace = Trace(
            np.empty((*shape, config.vocabulary), np.float32),
            np.empty((WRITTEN, config.layers, streams, config.units), np.float32),
        )
        assert trace.logits is not None
        assert trace.hidden is not None
        ids, last, after = writer.write(logits, state, chances(streams), settings(streams), trace)
        parts = 2 if config.cell == "lstm" else 1
        for t, chance in enumerate(chances(streams)):
            drawn = [
                way.draw(logits[row : row + 1], chance[row : row + 1])[0] for row, way in enumerate(settings(streams))
            ]
            assert ids[t].tolist() == drawn
            logits, state = writer.read(ids[t : t + 1], state)
            assert trace.logits[t].tobytes() == logits.tobytes()
            for layer in range(config.layers):
                assert trace.hidden[t, layer].tobytes() == state[layer * parts].tobytes()
        assert last.tobytes() == logits.tobytes()
        assert [part.tobytes() for part in after] == [part.tobytes() for part in state]


@pytest.mark.parametrize("path", paths_here())
def test_no_steps_leave_everything_where_it_was(path: str) -> None:
    writer, config = engine(MODELS["n-grams"], "int8", path), MODELS["n-grams"]
    logits, state = writer.read(some_ids(config, 2), writer.zero_state(2))
    ids, last, after = writer.write(logits, state, np.empty((0, 2), np.float64), Sampling())
    assert ids.shape == (0, 2)
    assert last.tobytes() == logits.tobytes()
    assert [part.tobytes() for part in after] == [part.tobytes() for part in state]


@pytest.mark.parametrize("path", paths_here())
def test_what_is_given_is_left_alone_and_may_lie_in_any_order(path: str) -> None:
    config = MODELS["two layers of lstm"]
    writer = engine(config, "int8", path)
    ids = np.asfortranarray(some_ids(config, 3).astype(np.int16))
    logits, state = writer.read(ids, writer.zero_state(3))
    given = [np.asfortranarray(part) for part in (logits, *state)]
    kept = [part.copy() for part in given]
    odd = np.asfortranarray(chances(3))
    found = writer.write(given[0], tuple(given[1:]), odd, settings(3))
    assert all(np.array_equal(part, before) for part, before in zip(given, kept, strict=True))
    expected = writer.write(logits, state, chances(3), settings(3))
    assert np.array_equal(found[0], expected[0])
    assert all(np.array_equal(one, other) for one, other in zip(found[2], expected[2], strict=True))


def duplicates(writer: PortableEngine) -> dict[str, PortableEngine]:
    return {
        "copy": copy.copy(writer),
        "deep copy": copy.deepcopy(writer),
        "pickled": pickle.loads(pickle.dumps(writer)),
    }


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("kind", ["embedded", "n-grams", "three layers of gru"])
def test_copies_write_the_same_and_outlive_what_they_were_made_from(kind: str, numbers: Numbers) -> None:
    config = MODELS[kind]
    first = PortableEngine(opinionated(config), numbers=numbers, threads=2)
    expected = seen(first, config, 3)
    made = duplicates(first)
    assert seen(first, config, 3) == expected
    del first
    for name, other in made.items():
        assert seen(other, config, 3) == expected, name


def test_a_copy_takes_the_path_that_is_asked_for_where_it_is_made() -> None:
    config = MODELS["gru"]
    first = engine(config, "int8", paths_here()[0])
    expected = seen(first, config, 3)
    data = pickle.dumps(first)
    for path in paths_here():
        with taking(path):
            other = pickle.loads(data)
        assert other.path == path
        assert seen(other, config, 3) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is forked here")
@pytest.mark.parametrize("path", paths_here()[:-1])
def test_a_forked_process_writes_the_same_on_threads_of_its_own(path: str) -> None:
    import multiprocessing

    writer = engine(LARGE, "int8", path, 2)
    expected = seen(writer, LARGE, 2)

    def child() -> None:
        os._exit(0 if seen(writer, LARGE, 2) == expected and seen(writer, LARGE, 1) else 3)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(20)
    hung = process.is_alive()
    if hung:
        process.kill()
        process.join()
    assert not hung
    assert process.exitcode == 0
    assert seen(writer, LARGE, 2) == expected


@pytest.mark.parametrize("path", paths_here())
def test_several_threads_of_python_may_write_with_one_engine_at_once(path: str) -> None:
    config = MODELS["gru"] if path == "numpy" else LARGE
    writer = engine(config, "int8", path, 2)
    expected = {streams: seen(writer, config, streams) for streams in (1, 2)}
    with ThreadPoolExecutor(4) as pool:
        asked = [1, 2, 1, 2, 1, 2]
        for streams, found in zip(asked, pool.map(lambda given: seen(writer, config, given), asked), strict=True):
            assert found == expected[streams]


@needs_library
@each_numbers
@pytest.mark.parametrize("threads", [1, 2])
def test_a_thread_that_flushes_denormal_numbers_writes_the_same(numbers: Numbers, threads: int) -> None:
    """Another library may have told the processor so, for all that this thread computes."""
    plain = opinionated(LARGE)
    tiny = {name: tensor * np.float32(1e-38) for name, tensor in plain.tensors.items()}
    faint = type(plain)(plain.config, plain.vocabulary, {}, tiny)
    for path in paths_here()[:-1]:
        with taking(path):
            writer = PortableEngine(faint, numbers=numbers, threads=threads)
        expected = seen(writer, LARGE, 1)
        state = np.frombuffer(expected["writing: state 0"], np.float32)
        if not torch.set_flush_denormal(True):
            pytest.skip("this processor flushes nothing")
        try:
            assert np.float32(1e-38) * np.float32(0.5) == 0, "the thread flushes"
            found = seen(writer, LARGE, 1)
        finally:
            torch.set_flush_denormal(False)
        assert ((state != 0) & (np.abs(state) < np.finfo(np.float32).tiny)).any(), "there are denormal numbers"
        assert found == expected, path


@pytest.mark.parametrize("word", ["avx9", "NumPy", "avx512-vnni,plain", "\x1b[2J"])
def test_a_path_that_there_is_none_of_is_refused_in_one_line(word: str) -> None:
    with taking(word), pytest.raises(ConfigError, match=r"^UNDERSTUDY_KERNELS .*: expected one of .*numpy$") as refusal:
        PortableEngine(opinionated(MODELS["gru"]))
    assert "\x1b" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_every_path_is_told_in_words() -> None:
    told = [compiled.described(path) for path in paths_here()]
    assert len(set(told)) == len(told)
    assert told[-1].startswith("NumPy")


def test_without_a_library_numpy_writes_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = seen(engine(MODELS["gru"], "int8"), MODELS["gru"], 3)
    monkeypatch.setattr(compiled, "_loaded", lambda: None)
    writer = PortableEngine(opinionated(MODELS["gru"]), numbers="int8")
    assert writer.path == "numpy"
    assert seen(writer, MODELS["gru"], 3) == expected
    assert "what was compiled cannot be loaded" in compiled.described(writer.path)
    monkeypatch.setattr(compiled, "_file", lambda: None)
    assert "nothing was compiled" in compiled.described(writer.path)
