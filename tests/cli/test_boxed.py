"""The model that comes with the package."""

import json
from typing import TYPE_CHECKING

import numpy as np

from understudy.model import file

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

MOST_BYTES = 4_000_000


def test_the_model_in_the_box_is_small_and_has_a_card(understudy: "CommandLine") -> None:
    assert file.find("@shakespeare").stat().st_size <= MOST_BYTES
    card = json.loads(understudy("info", "@shakespeare", "--json").out)["card"]
    assert set(card) == {"Data", "Command", "Loss", "Limits"}
    shown = understudy("info", "@shakespeare").out
    for heading, text in card.items():
        assert f"\n{heading}\n" in shown
        assert " ".join(text.split()) in " ".join(shown.split())


def test_without_a_model_it_is_the_one_in_the_box_that_writes(understudy: "CommandLine") -> None:
    settings = ("--length", 200, "--seed", 4, "--start", "ROMEO:\n")
    silent = understudy("generate", *settings)
    assert silent.status == 0
    assert silent.out == understudy("generate", "@shakespeare", *settings).out
    assert silent.out.startswith("ROMEO:\n")
    assert len(silent.out) == len("ROMEO:\n") + 200 + 1


def test_it_predicts_better_than_the_training_of_a_minute_promises() -> None:
    training = file.read("@shakespeare").training
    assert training["validation_loss"] < 1.4697
    assert training["corpus"]["characters"] == 1_115_394


def test_its_weights_are_read_as_float32() -> None:
    for name, tensor in file.read("@shakespeare").tensors.items():
        assert tensor.dtype == np.float32, name
        assert np.array_equal(tensor, tensor.astype(np.float16))


def test_a_name_that_is_not_in_the_box_is_refused(understudy: "CommandLine") -> None:
    result = understudy("generate", "@marlowe")
    assert result.status == 2
    (line,) = result.err.splitlines()
    assert "@marlowe" in line
    assert "@shakespeare" in line
