"""What `understudy generate` writes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import SMALL
from understudy.cli.main import main

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_generated_text_follows_the_prompt_and_has_the_length_asked_for(understudy: "CommandLine", model: Path) -> None:
    result = understudy("generate", model, "--start", "abc\n", "--length", 40, "--seed", 7)
    assert result.status == 0
    assert result.err == ""
    assert result.out.startswith("abc\n")
    assert len(result.out) == 4 + 40 + 1
    assert result.out.endswith("\n")


def test_the_same_seed_gives_the_same_text_alone_among_others_and_as_json(
    understudy: "CommandLine", model: Path
) -> None:
    alone = [understudy("generate", model, "--length", 30, "--seed", seed).out[:-1] for seed in (7, 8, 9)]
    assert len(set(alone)) == 3
    together = understudy("generate", model, "--length", 30, "--seed", 7, "--samples", 3).out
    for seed, text in zip((7, 8, 9), alone, strict=True):
        assert f"--- seed {seed} ---\n{text}\n" in together
    document = json.loads(understudy("generate", model, "--length", 30, "--seed", 7, "--samples", 3, "--json").out)
    assert [sample["text"] for sample in document["samples"]] == alone


def test_without_a_seed_the_document_tells_the_one_that_was_drawn(understudy: "CommandLine", model: Path) -> None:
    (sample,) = json.loads(understudy("generate", model, "--length", 30, "--json").out)["samples"]
    again = understudy("generate", model, "--length", 30, "--seed", sample["seed"])
    assert again.out == sample["text"] + "\n"


def test_generate_json_is_one_document_with_the_promised_keys(understudy: "CommandLine", model: Path) -> None:
    result = understudy("generate", model, "--start", "ab", "--length", 20, "--samples", 2, "--seed", 3, "--json")
    document = json.loads(result.out)
    assert set(document) == {"samples", "characters_per_second"}
    for place, sample in enumerate(document["samples"]):
        assert set(sample) == {"text", "prompt", "seed", "finish_reason"}
        assert (sample["prompt"], sample["seed"], sample["finish_reason"]) == ("ab", 3 + place, "length")
        assert len(sample["text"]) == 20
    assert document["characters_per_second"] > 0
    assert result.err == ""


def test_a_stop_text_ends_the_text_before_it(understudy: "CommandLine", model: Path) -> None:
    whole = understudy("generate", model, "--length", 200, "--seed", 5).out[:-1]
    stop = whole[100:103]
    expected = whole[: whole.index(stop)]
    assert understudy("generate", model, "--length", 200, "--seed", 5, "--stop", stop).out == expected + "\n"
    arguments = ("--length", 200, "--seed", 5, "--stop", "Q", "--stop", stop, "--json")
    (sample,) = json.loads(understudy("generate", model, *arguments).out)["samples"]
    assert (sample["text"], sample["finish_reason"]) == (expected, "stop")


def test_a_length_of_zero_gives_the_prompt(understudy: "CommandLine", model: Path) -> None:
    assert understudy("generate", model, "--start", "abc", "--length", 0).out == "abc\n"


def test_unknown_characters_of_a_prompt_are_left_out_where_that_is_asked_for(
    understudy: "CommandLine", model: Path
) -> None:
    known = understudy("generate", model, "--start", "ab", "--length", 20, "--seed", 1)
    skipped = understudy("generate", model, "--start", "aЖb", "--length", 20, "--seed", 1, "--unknown", "skip")
    assert skipped.status == 0
    assert skipped.out[-21:] == known.out[-21:]


def test_a_model_of_bytes_gives_the_bytes_themselves(
    text: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "bytes").write_bytes(bytes(range(128, 256)) * 40)
    arguments = ["train", str(tmp_path / "bytes"), "--vocabulary", "bytes", "--out", str(tmp_path / "b"), *SMALL]
    assert main([*arguments, "--steps", "3", "--quiet"]) == 0
    capfdbinary.readouterr()
    written = ["generate", str(tmp_path / "b"), "--length", "300", "--seed", "4", "--temperature", "0.5"]
    assert main([*written, "--bytes"]) == 0
    data = capfdbinary.readouterr().out
    assert len(data) == 300
    assert main(written) == 0
    assert capfdbinary.readouterr().out.decode() == data.decode("utf-8", "replace") + "\n"


def test_bytes_are_one_text_and_nothing_else(refused: Callable[..., str], model: Path) -> None:
    assert "--json" in refused("generate", model, "--bytes", "--json")
    assert "--samples" in refused("generate", model, "--bytes", "--samples", 2)
