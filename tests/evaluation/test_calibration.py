import numpy as np
import pytest
import torch

from understudy.evaluation import protocols
from understudy.evaluation.calibration import calibration
from understudy.evaluation.dynamic import dynamic
from understudy.evaluation.protocols import streamed
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.text.encoded import Ids
from understudy.training.temperature import fitted

V = 7


def network(seed: int = 1) -> Network:
    net = Network(ModelConfig("lstm", V, 8, 24, 1))
    initialize(net, "default", seed)
    return net


def text(length: int, symbols: int = V) -> Ids:
    return Ids(np.random.default_rng(length).integers(0, symbols, length).astype(np.uint8))


def test_a_model_that_knows_only_frequencies_is_calibrated() -> None:
    net, shares = network(), np.array([0.6, 0.25, 0.09, 0.04, 0.02])
    ids = Ids(np.random.default_rng(3).choice(5, 40_000, p=shares).astype(np.uint8))
    with torch.no_grad():
        net.output.weight.zero_()
        net.output.bias.copy_(torch.tensor([*np.log(shares), -30, -30]))
    found = calibration(net, ids)
    assert sum(entry.predictions for entry in found.bins) == V * 39_999
    assert found.error < 0.02
    for entry in found.bins:
        assert entry.low <= entry.expected <= entry.high
        assert entry.came == pytest.approx(entry.expected, abs=0.01)


def test_a_model_that_is_too_sure_is_found_out() -> None:
    net = network()
    with torch.no_grad():
        net.output.weight.zero_()
        net.output.bias.copy_(torch.tensor([4.0, *[0.0] * (V - 1)]))
    sure = calibration(net, text(5000)).bins[-1]
    assert sure.expected == pytest.approx(np.exp(4) / (np.exp(4) + V - 1))
    assert sure.came == pytest.approx(1 / V, abs=0.03)


def test_nothing_depends_on_how_many_logits_are_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    net, ids = network().double(), text(3000)
    expected, temperature = calibration(net, ids), fitted(net, ids)
    monkeypatch.setattr(protocols, "LARGEST_LOGITS", 10 * V)
    monkeypatch.setattr(protocols, "_LARGEST_PIECE", 3 * V)
    found = calibration(net, ids)
    assert [entry.predictions for entry in found.bins] == [entry.predictions for entry in expected.bins]
    assert [entry.came for entry in found.bins] == pytest.approx([entry.came for entry in expected.bins])
    assert found.error == pytest.approx(expected.error)
    assert fitted(net, ids) == pytest.approx(temperature, rel=1e-9)


def test_dynamic_without_steps_is_one_stream() -> None:
    net, ids = network(), text(700)
    still = dynamic(net, ids, rate=0, back=0)
    assert still.loss == pytest.approx(streamed(net, ids, streams=1).loss, rel=1e-5)
    assert (still.characters, still.streams) == (699, 1)


def test_dynamic_learns_from_what_it_has_seen_and_leaves_the_network_alone() -> None:
    net, ids = network(), text(4000, symbols=2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert dynamic(net, ids, rate=1e-3).loss < streamed(net, ids, streams=1).loss - 0.3
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_dynamic_scores_a_segment_before_learning_from_it() -> None:
    net, ids = network(), text(33)
    assert dynamic(net, ids, segment=32, rate=10).loss == pytest.approx(streamed(net, ids, streams=1).loss, rel=1e-5)
