"""The temperature that suits the held-back text goes into the output layer of what is kept."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.runs.conftest import Opener
from tests.runs.helpers import finish
from tests.runs.test_whole_text import request, run
from understudy.evaluation.protocols import streamed, windowed
from understudy.model import file
from understudy.model.network import Network
from understudy.model.parameters import network_of
from understudy.text.encoded import Ids
from understudy.training import temperature
from understudy.training.temperature import SHORT, fitted, put_in


@pytest.fixture
def trained(opened: Opener) -> tuple[Network, Ids]:
    """A network that is not as sure as it should be, and text that it has not read."""
    session = opened(steps=300, units=48, learning_rate=0.02, validation=0.5, evaluate_every=300)
    finish(session)
    assert session.trainer.validation is not None
    return session.trainer.network, session.trainer.validation


def loss(network: Network, ids: Ids, at: float) -> float:
    scaled = copy.deepcopy(network)
    put_in(scaled, at)
    return streamed(scaled, ids).loss


def test_no_other_temperature_does_better_by_more_than_the_doubt_allows(trained: tuple[Network, Ids]) -> None:
    network, ids = trained
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = fitted(network, ids)
    assert abs(found - 1) > 0.02
    least = min(loss(network, ids, at) for at in np.arange(0.5, 2.01, 0.05))
    assert loss(network, ids, found) <= least + 1e-3
    assert loss(network, ids, found) < loss(network, ids, 1.0) - 1e-3
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_it_finds_a_temperature_that_was_taken_away(trained: tuple[Network, Ids]) -> None:
    network, ids = trained
    suits = fitted(network, ids)
    put_in(network, suits)
    assert fitted(network, ids) == pytest.approx(1, abs=0.02)
    put_in(network, 1.2)
    assert fitted(network, ids) == pytest.approx(1 / 1.2, abs=0.03)


def test_a_dozen_characters_change_little(trained: tuple[Network, Ids]) -> None:
    network, ids = trained
    for place in range(0, 200, 12):
        assert 0.8 < fitted(network, ids[slice(place, place + 12)]) < 1.25


@pytest.mark.parametrize("average", [pytest.param(0.0, marks=pytest.mark.slow), 0.8])
def test_the_model_file_holds_the_output_layer_with_the_temperature_in_it(average: float, opened: Opener) -> None:
    session = opened(
        steps=100, units=48, learning_rate=0.02, average=average, calibration="temperature", validation=0.5
    )
    finish(session)
    trainer, written = session.trainer, file.read(session.folder.model)
    found = written.training["temperature"]
    assert abs(found - 1) > 0.02
    assert trainer.validation is not None
    assert written.training["validation_loss"] == windowed(network_of(written), trainer.validation).loss
    if not average and trainer.progress.best_step == trainer.progress.step:
        expected = trainer.network.output.weight.detach().numpy() / np.float32(found)
        np.testing.assert_allclose(written.tensors["output.weight"], expected, rtol=1e-6)


def test_a_longer_held_back_text_leaves_the_temperature_alone(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SHORT == 20_000
    session = opened(steps=30, calibration="temperature", validation=0.5)
    assert session.trainer.validation is not None
    monkeypatch.setattr(temperature, "SHORT", len(session.trainer.validation) - 1)
    finish(session)
    assert session.trainer.temperature == 1
    assert file.read(session.folder.model).training["temperature"] == 1


@pytest.mark.slow
def test_the_run_on_the_whole_text_takes_the_temperature_over(text: Path, tmp_path: Path) -> None:
    wanted = request(tmp_path / "run", text, steps=300, units=48, learning_rate=0.02, calibration="temperature")
    first, second = run(wanted)
    found = file.read(first.folder.path).training["temperature"]
    assert found != 1
    assert second.trainer.temperature == found
    written = file.read(tmp_path / "run")
    assert written.training["temperature"] == found
    expected = second.trainer.network.output.weight.detach().numpy() / np.float32(found)
    np.testing.assert_allclose(written.tensors["output.weight"], expected, rtol=1e-6)
