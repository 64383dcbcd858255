"""Units: their activations are the network's, and those that follow something are found."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.exports.models import KINDS, example
from tests.seeing.test_scoring import corpus_of, some_text
from understudy.generation.portable.engine import PortableEngine
from understudy.model.parameters import network_of
from understudy.seeing.neurons import FEATURES, activations, features, followers
from understudy.seeing.units import look


@pytest.mark.parametrize("kind", KINDS)
def test_activations_are_what_the_network_computes(kind: str) -> None:
    found = example(kind)
    ids = found.vocabulary.encode(some_text(300, 2))
    engine = PortableEngine(found, numbers="float32")
    hidden = np.concatenate(list(activations(engine, found.config, ids)))
    network = network_of(found)
    with torch.no_grad():
        state = network(torch.from_numpy(ids[:, None]), network.zero_state(1))[1]
    parts = [layer[0][0].numpy() for layer in state][: found.config.layers]
    assert hidden.shape == (300, found.config.layers, found.config.units)
    assert hidden[-1] == pytest.approx(np.stack(parts), abs=1e-4)


def test_features_are_what_their_names_say() -> None:
    text = 'A "word (b) c".\n  In 12\n'
    found = {name: [int(value) for value in measure(text)] for name, measure in FEATURES.items()}
    assert found["inside quotation marks"] == [0] * 2 + [1] * 11 + [0] * 11
    assert found["inside brackets"] == [0] * 8 + [1] * 2 + [0] * 14
    assert found["position in the line"] == [*range(1, 16), 0, *range(1, 8), 0]
    assert found["indentation of the line"] == [0] * 16 + [1] + [2] * 6 + [0]
    assert found["the line's end is near"] == [0] * 10 + [1] * 5 + [0] * 3 + [1] * 5 + [0]
    for name, asks in (
        ("after a capital", str.isupper),
        ("inside a word", str.isalpha),
        ("after a digit", str.isdigit),
    ):
        assert found[name] == [int(asks(character)) for character in text]


def test_a_unit_that_follows_a_feature_is_found_among_noise() -> None:
    text = some_text(2_000, 5, 'ab "\nC(d) 1')
    wanted = features(text)
    assert len(wanted) > 5
    hidden = np.random.default_rng(1).normal(size=(len(text), 2, 30)).astype(np.float32)
    planted = {name: (number % 2, 3 + number) for number, name in enumerate(wanted)}
    for number, (name, (layer, unit)) in enumerate(planted.items()):
        sign = -1 if number % 3 else 1
        hidden[:, layer, unit] = sign * wanted[name] + hidden[:, layer, unit] * 0.05
    hidden[:, 0, 0] = 0.5  # a unit that never moves follows nothing
    for name, units in followers(hidden, wanted).items():
        assert (units[0].layer, units[0].unit) == planted[name]
        expected = np.corrcoef(wanted[name], hidden[:, units[0].layer, units[0].unit])[0, 1]
        assert units[0].correlation == pytest.approx(expected, abs=1e-5)
        assert (0, 0) not in {(unit.layer, unit.unit) for unit in units}


def test_a_text_of_one_character_over_and_over_has_nothing_to_follow() -> None:
    assert set(features("a" * 50)) <= {"position in the line"}
    assert features("") == {}


def test_bytes_are_looked_at_as_characters(tmp_path: Path) -> None:
    made = example(symbols="")
    engine = PortableEngine(made, numbers="float32")
    looked = look(corpus_of(tmp_path / "t", "aé漢\n", kind="bytes"), made.vocabulary, engine, made.config)
    assert looked.text == "aé漢\n"
    every = np.concatenate(
        list(activations(engine, made.config, np.frombuffer("aé漢\n".encode(), np.uint8).astype(int)))
    )
    assert looked.hidden.tolist() == every[[0, 2, 5, 6]].tolist()
