"""What `understudy info` tells of a text and of a model."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SMALL
from understudy.model import file
from understudy.model.recurrence import compiled

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_info_shows_what_the_tutorial_shows_of_a_text(understudy: "CommandLine", tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text("To be, or not to be:\nthat is the question.\n" * 20, encoding="utf-8")
    result = understudy("info", "poem.txt")
    assert result.status == 0
    assert "860 characters, 18 distinct" in result.out
    assert "To be, or not to be:" in result.out
    rows = [line for line in result.out.splitlines() if "'o' (U+006F)" in line and "%" in line]
    ids = {
        character: place for place, character in enumerate(sorted(set("To be, or not to be:\nthat is the question.\n")))
    }
    assert rows[0].split()[2:4] == [str(ids["o"]), "100"]
    first = " ".join(str(ids[character]) for character in "To be, or not")
    assert f"'To be, or not' → {first}" in result.out


def test_info_json_lists_every_symbol_of_a_text(understudy: "CommandLine", tmp_path: Path) -> None:
    from collections import Counter
    from hashlib import sha256

    content = "ёжик в тумане, 漢字\n" * 7
    (tmp_path / "text.txt").write_text(content, encoding="utf-8")
    document = json.loads(understudy("info", "text.txt", "--json").out)
    counts = Counter(content)
    assert document["length"] == len(content)
    assert document["distinct"] == len(counts)
    assert document["sha256"] == sha256(content.encode()).hexdigest()
    assert document["head"] == content[: len(document["head"])]
    assert {chr(entry["code_point"]): entry["count"] for entry in document["vocabulary"]} == dict(counts)
    assert [entry["id"] for entry in document["vocabulary"]] == list(range(len(counts)))


def test_info_tells_the_layers_and_the_training_of_a_model(understudy: "CommandLine", model: Path) -> None:
    result = understudy("info", model)
    assert result.status == 0
    V, E, H = 17, 8, 12
    layers = {"Embedding": V * E, "LSTM": 4 * H * (E + H + 2), "Dense": V * (H + 1)}
    for name, parameters in layers.items():
        (line,) = [line for line in result.out.splitlines() if f"({name})" in line]
        assert line.endswith(f" {parameters:,}")
    assert f" {sum(layers.values()):,}\n" in result.out
    assert "6,000 characters" in result.out
    assert "nats a character in windows of 256" in result.out


def test_info_tells_a_temperature_that_was_fitted_and_no_other(
    understudy: "CommandLine", model: Path, tmp_path: Path
) -> None:
    whole = file.read(model)
    for temperature, told in ((1.153, True), (1.0, False)):
        replace(whole, training=dict(whole.training) | {"temperature": temperature}).write(
            tmp_path / "other.safetensors"
        )
        assert ("temperature  1.153" in understudy("info", tmp_path / "other.safetensors").out) is told


def test_a_card_cannot_control_the_terminal(understudy: "CommandLine", model: Path, tmp_path: Path) -> None:
    replace(file.read(model), card={"Data": "a\x1b[2Jtext"}).write(tmp_path / "carded.safetensors")
    shown = understudy("info", "carded.safetensors").out
    assert "\x1b" not in shown
    assert "\nData\n  a\\x1b[2Jtext\n" in shown


def test_info_json_of_a_model_is_one_document(understudy: "CommandLine", model: Path) -> None:
    for name in (model, model / "model.safetensors"):
        document = json.loads(understudy("info", name, "--json").out)
        assert document["config"] == {"cell": "lstm", "vocabulary": 17, "embedding": 8, "units": 12, "layers": 1}
        assert document["parameters"] == sum(row["parameters"] for row in document["layers"])
        assert document["training"]["corpus"]["characters"] == 6000
        assert document["vocabulary"]["characters"] == "\n abcdefghijklmno"


def test_the_machine_is_told_in_words_and_as_one_document(understudy: "CommandLine") -> None:
    import os
    import platform

    import numpy as np
    import torch

    document = json.loads(understudy("info", "--machine", "--json").out)
    assert document["cores"] == os.cpu_count()
    assert document["threads"] == torch.get_num_threads()
    assert document["number_type"] in ("float32", "bfloat16")
    assert document["matrix_rate"] > 1e6
    assert document["step_rate"] > 1e6
    assert document["memory"] > 1 << 28
    assert document["kernels"] == compiled.described()
    assert document["instructions"] == compiled.instructions()
    assert document["versions"]["python"] == platform.python_version()
    assert document["versions"]["torch"] == version("torch")
    assert document["versions"]["numpy"] == np.__version__
    shown = understudy("info", "--machine")
    assert shown.status == 0
    for value in ("processor", "instructions", "memory", "kernels", "number_type", "versions"):
        told = document[value]
        if isinstance(told, str):
            assert told in shown.out


def test_the_machine_is_asked_for_alone(refused: Callable[..., str], text: Path) -> None:
    assert "leave MODEL and TEXT out" in refused("info", "--machine", text)
    assert "--machine" in refused("info")


def test_a_run_s_first_lines_say_which_kernels_are_in_use(understudy: "CommandLine", text: Path) -> None:
    arguments = (*SMALL, "--device", "cpu", "--steps", 2)
    lines = understudy("train", text, "--out", "new", *arguments).out.splitlines()
    assert compiled.described() in lines[:4]


def test_carriage_returns_are_told_with_the_flag_that_takes_them_out(understudy: "CommandLine", tmp_path: Path) -> None:
    (tmp_path / "windows.txt").write_bytes(b"a line\r\n" * 50)
    assert "50 carriage returns" in understudy("info", "windows.txt").out
    assert "--newlines lf" in understudy("info", "windows.txt").out
    assert "--newlines lf" not in understudy("info", "windows.txt", "--newlines", "lf").out


def test_nothing_in_a_model_file_can_control_the_terminal(understudy: "CommandLine", model: Path) -> None:
    hostile = "a\x1b[2J\x9b\u202e\u2028b"
    before = file.read(model)
    training = {**before.training, "library_version": hostile}
    training["corpus"] = {**before.training["corpus"], "name": hostile}
    replace(before, training=training, card={hostile: hostile}).write(model / "model.safetensors")
    for arguments in (("info", model), ("info", model, "--json"), ("evaluate", model, "samples.txt")):
        result = understudy(*arguments)
        assert all(line.isprintable() for line in (result.out + result.err).split("\n"))
    assert understudy("info", model).out.count("a\\x1b[2J\\x9b\\u202e\\u2028b") == 4


@pytest.mark.parametrize("command", [("info",), ("evaluate", "run")])
def test_what_is_left_out_of_a_folder_of_texts_is_told(
    command: tuple[str, ...], understudy: "CommandLine", model: Path, text: Path
) -> None:
    notes = [line for line in understudy(*command, text.parent).out.splitlines() if line.startswith("note: ")]
    assert notes == [f"note: left out, because runs wrote it: {model}"]
    assert not any(line.startswith("note: ") for line in understudy(*command, text).out.splitlines())
