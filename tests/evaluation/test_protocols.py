import math

import numpy as np
import pytest
import torch

from understudy.errors import ConfigError, TextError
from understudy.evaluation import protocols
from understudy.evaluation.protocols import streamed, streamed_passes, windowed
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.text.encoded import Ids

V = 13


@pytest.fixture(scope="module")
def network() -> Network:
    net = Network(ModelConfig("lstm", V, 6, 10, 2))
    initialize(net, "default", seed=5)
    return net.double()


def text(length: int) -> Ids:
    return Ids(np.random.default_rng(length).integers(0, V, length).astype(np.uint8))


def by_hand(network: Network, ids: Ids, pieces: list[tuple[int, int]]) -> float:
    """Mean nats when each piece (first predicted, last predicted) starts from the zero state, a step at a time."""
    data, losses = ids.read(0, len(ids)), []
    for first, last in pieces:
        state = network.zero_state(1)
        for place in range(first, last + 1):
            with torch.no_grad():
                logits, state = network(torch.tensor([[data[place - 1]]]), state)
            losses.append(-torch.log_softmax(logits[0, 0], -1)[data[place]].item())
    return sum(losses) / len(losses)


def test_windowed_is_what_the_protocol_says(network: Network) -> None:
    ids = text(40)
    score = windowed(network, ids, 16)
    assert score.loss == pytest.approx(by_hand(network, ids, [(1, 16), (17, 32), (33, 39)]), rel=1e-12)
    assert (score.characters, score.window, score.streams) == (39, 16, None)


def test_streamed_is_what_the_protocol_says(network: Network) -> None:
    ids = text(48)
    score = streamed(network, ids, streams=3)
    assert score.loss == pytest.approx(by_hand(network, ids, [(1, 15), (16, 30), (31, 47)]), rel=1e-12)
    assert (score.characters, score.window, score.streams) == (47, None, 3)


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_windowed_does_not_depend_on_the_batch(network: Network, batch: int) -> None:
    ids = text(1000)
    assert windowed(network, ids, 32, batch=batch).loss == pytest.approx(windowed(network, ids, 32).loss, rel=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 64, 5000])
def test_streamed_does_not_depend_on_the_chunk(network: Network, chunk: int) -> None:
    ids = text(1007)
    expected = streamed(network, ids, streams=4).loss
    assert streamed(network, ids, streams=4, chunk=chunk).loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("at_once", "piece"), [(1, 1), (9 * V, 4 * V), (700 * V, 60 * V)])
def test_no_score_depends_on_how_many_logits_are_made_at_a_time(
    network: Network, at_once: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = text(1007)
    streams, windows = streamed(network, ids, streams=4).loss, windowed(network, ids, 100).loss
    monkeypatch.setattr(protocols, "LARGEST_LOGITS", at_once)
    monkeypatch.setattr(protocols, "_LARGEST_PIECE", piece)
    assert streamed(network, ids, streams=4).loss == pytest.approx(streams, rel=1e-12)
    assert windowed(network, ids, 100).loss == pytest.approx(windows, rel=1e-12)


def test_the_passes_of_a_large_vocabulary_are_short() -> None:
    net = Network(ModelConfig("gru", 30_000, 2, 4, 1))
    initialize(net, "default", seed=1)
    ids = Ids(np.random.default_rng(1).integers(0, 30_000, 300))
    shapes = [(tuple(logits.shape), len(came)) for logits, came in streamed_passes(net, ids, streams=2)]
    assert sum(places for _, places in shapes) == 299
    assert all(shape == (places, 30_000) and places * 30_000 <= 1 << 20 for shape, places in shapes)


def test_one_window_over_everything_is_one_stream(network: Network) -> None:
    ids = text(500)
    assert windowed(network, ids, 499).loss == pytest.approx(streamed(network, ids, streams=1).loss, rel=1e-12)
    assert windowed(network, ids, 10**9).loss == pytest.approx(streamed(network, ids, streams=1).loss, rel=1e-12)


def test_at_most_ten_streams_and_fewer_on_short_texts(network: Network) -> None:
    assert streamed(network, text(20_000)).streams == 10
    assert streamed(network, text(2_500)).streams == 2
    assert streamed(network, text(2)).streams == 1


def test_an_untrained_uniform_model_scores_the_logarithm_of_its_vocabulary() -> None:
    net = Network(ModelConfig("gru", V, 4, 4, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
    score = streamed(net, text(300))
    assert score.loss == pytest.approx(math.log(V), abs=1e-6)
    assert score.bits_per_character == pytest.approx(math.log2(V), abs=1e-6)


def test_too_little_text_and_senseless_windows_are_refused(network: Network) -> None:
    with pytest.raises(TextError, match="at least 2"):
        streamed(network, text(1))
    with pytest.raises(ConfigError, match="--window 0"):
        windowed(network, text(10), 0)
