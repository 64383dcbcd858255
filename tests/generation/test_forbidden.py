"""Runs that are not to be written: none is completed, nothing else changes, and every path writes the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.generation.paths import paths_here
from tests.generation.test_portable_paths import LARGE, chances, engine, needs_library, settings
from tests.portable.examples import MODELS
from understudy.errors import ConfigError
from understudy.generation.forbidden import NONE, Forbidden
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling
from understudy.model.config import ModelConfig
from understudy.text.encoded import Ids
from understudy.text.grams import Grams

STEPS, RUN = 60, 3


def nothing_before(streams: int) -> NDArray[np.int64]:
    return np.full((RUN - 1, streams), NONE, np.int64)


def runs_of(writer: PortableEngine, config: ModelConfig, streams: int) -> Grams:
    """Half of the runs that it writes where nothing is forbidden, and some others."""
    logits = np.zeros((streams, config.vocabulary), np.float32)
    ids, _, _ = writer.write(logits, writer.zero_state(streams), chances(streams, 0, STEPS), settings(streams))
    others = np.random.default_rng(1).integers(0, config.vocabulary, 40)
    return Grams.of(Ids(np.concatenate([ids[: STEPS // 2].T.ravel(), others]).astype(np.uint16)), RUN)


def written(
    writer: PortableEngine, config: ModelConfig, grams: Grams, streams: range
) -> tuple[NDArray[np.int64], list[bytes]]:
    """Ids (STEPS, B) of some streams, in three calls, and all numbers after them."""
    many = streams.stop
    logits, state = np.zeros((len(streams), config.vocabulary), np.float32), writer.zero_state(len(streams))
    before, pieces = nothing_before(len(streams)), []
    for first, count in ((0, 1), (1, 20), (21, STEPS - 21)):
        numbers = chances(many, first, count)[:, streams.start :]
        how = settings(many)[streams.start :]
        ids, logits, state = writer.write(logits, state, numbers, how, forbidden=Forbidden(grams, before))
        pieces.append(ids)
        before = np.concatenate([before, ids])[-(RUN - 1) :].copy()
    return np.concatenate(pieces), [logits.tobytes(), *(part.tobytes() for part in state)]


@needs_library
@pytest.mark.parametrize("config", [MODELS["gru"], MODELS["two layers of lstm"], LARGE], ids=["gru", "lstm", "large"])
def test_every_path_and_number_of_threads_writes_the_same(config: ModelConfig) -> None:
    for streams in (1, 3, 10):
        grams = runs_of(engine(config, "int8"), config, streams)
        ids, numbers = written(engine(config, "int8"), config, grams, range(streams))
        for path in paths_here()[:-1]:
            for threads in (1, 2):
                again, others = written(engine(config, "int8", path, threads), config, grams, range(streams))
                assert again.tolist() == ids.tolist(), (path, threads)
                assert others == numbers, (path, threads)


@pytest.mark.parametrize("path", paths_here())
def test_no_run_is_completed_and_where_none_would_be_nothing_changes(path: str) -> None:
    config, streams = MODELS["gru"], 6
    writer = engine(config, "int8", path)
    grams = runs_of(writer, config, streams)
    ids, _ = written(writer, config, grams, range(streams))
    numbers, changed = chances(streams, 0, STEPS), 0
    logits, state = np.zeros((streams, config.vocabulary), np.float32), writer.zero_state(streams)
    for t in range(STEPS):
        for stream, how in enumerate(settings(streams)):
            free = int(how.draw(logits[stream : stream + 1], numbers[t, stream : stream + 1])[0])
            run = ids[max(0, t - RUN + 1) : t + 1, stream]
            assert len(run) < RUN or run not in grams
            if free != run[-1]:
                changed += 1
                assert np.append(run[:-1], free) in grams, "another is drawn only where a run would be completed"
        logits, state = writer.read(ids[t : t + 1], state)
    assert changed > 10


@pytest.mark.parametrize("path", paths_here())
def test_a_stream_writes_the_same_alone(path: str) -> None:
    config = MODELS["two layers of lstm"]
    writer = engine(config, "int8", path)
    grams = runs_of(writer, config, 5)
    together, _ = written(writer, config, grams, range(5))
    for stream in range(5):
        alone, _ = written(writer, config, grams, range(stream, stream + 1))
        assert alone[:, 0].tolist() == together[:, stream].tolist()


@pytest.mark.parametrize("path", paths_here())
def test_where_every_symbol_completes_a_run_it_is_said(path: str) -> None:
    config = MODELS["gru"]
    symbols = config.vocabulary
    pairs = np.array([[one, other] for one in range(symbols) for other in range(symbols)], np.uint16)
    runs = Grams((Grams.of(Ids(pair), 2).hashes for pair in pairs), 2)
    writer = engine(config, "int8", path)
    logits, before = np.zeros((1, symbols), np.float32), np.zeros((1, 1), np.int64)
    with pytest.raises(ConfigError, match=r"--no-copies 2: .*larger number"):
        writer.write(logits, writer.zero_state(1), chances(1), Sampling(), forbidden=Forbidden(runs, before))
