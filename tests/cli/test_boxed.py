"""The model that comes with the package."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

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


def test_the_page_in_the_readme_is_the_one_that_its_command_writes(understudy: "CommandLine") -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    command = r"`understudy\s+generate (--length \d+ --seed \d+ --temperature [\d.]+)`"
    said = re.search(command + r" begins with:\n\n```\n(.*?)```", readme, re.DOTALL)
    assert said is not None
    assert len(said[2]) > 300
    assert understudy("generate", *said[1].split()).out.startswith(said[2])


@pytest.mark.slow
def test_it_predicts_the_held_back_text_as_its_card_says(
    understudy: "CommandLine", tinyshakespeare: Path, tmp_path: Path
) -> None:
    text = tinyshakespeare.read_text(encoding="utf-8")
    held = tmp_path / "held.txt"
    held.write_text(text[int(0.9 * len(text)) :], encoding="utf-8")
    scored = json.loads(understudy("evaluate", "@shakespeare", held, "--no-baselines", "--json").out)
    assert f"{scored['loss']:.4f} streamed" in file.read("@shakespeare").card["Loss"]


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
