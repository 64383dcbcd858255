"""Any script: learned, interrupted, resumed and generated without the loss of a character."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from understudy.api import load
from understudy.cli.main import main
from understudy.model import file
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session

STEPS = 12
SETTINGS: dict[str, Any] = {
    "units": 16,
    "embedding": 8,
    "batch_size": 4,
    "sequence_length": 32,
    "steps": STEPS,
    "evaluate_every": 6,
    "checkpoint_every": 5,
}


def russian() -> str:
    words = ["все", "счастливые", "семьи", "похожи", "друг", "на", "друга", "каждая", "по-своему", "ёж", "съел"]
    chance = random.Random(1)
    return "".join(" ".join(chance.choices(words, k=8)).capitalize() + ".\n" for _ in range(120))


def chinese() -> str:
    """A text in which each of 5,000 characters comes, the last of them only at the very end."""
    chance = random.Random(2)
    characters = [chr(0x4E00 + place) for place in range(5000)]
    common = chance.choices(characters[:300], k=9000)
    every = chance.sample(characters, 5000)
    return "".join(one + ("。\n" if place % 40 == 39 else "") for place, one in enumerate(common + every))


def emoji_and_combining_marks() -> str:
    chance = random.Random(3)
    pieces = [
        *("👩\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e007f", "👍🏽", "🇫🇷", "✈\ufe0f", "1\ufe0f\u20e3"),
        *(
            "e\u0301",
            "n\u0303",
            "o\u0308\u0304",
            "Z\u0351\u0346\u035c",
            "क्षि",
            "ก็",
            "שָׁלוֹם",
            "i\u0307",
            "\U0001f9d1\u200d\U0001f680",
        ),
        *(" ", "\n", "\u2028", "\ufeff", "\u202e", "\u00ad"),
    ]
    return "x" + "".join(chance.choices(pieces, k=2500))


TEXTS = {"russian": russian, "chinese": chinese, "emoji and combining marks": emoji_and_combining_marks}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[request.param]()


@pytest.fixture
def path(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def learn(path: Path, out: Path, vocabulary: str, *, steps: int = STEPS, resume: bool = False) -> None:
    """One sitting of a run, of at most so many steps, which ends without a word where they are done."""
    options = TextOptions((str(path),), vocabulary="bytes" if vocabulary == "bytes" else "characters")
    session = Session(Request(options, "tiny", SETTINGS, out, resume))
    for _ in session.prepare():
        pass
    for _ in islice(session.reports(), steps):
        pass
    session.close()


def told(folder: Path, prompt: str, *more: str) -> bytes:
    """What `understudy generate` writes to a pipe."""
    program = [sys.executable, "-m", "understudy", "generate", str(folder), "--start", prompt, "--seed", "4", *more]
    return subprocess.run(program, capture_output=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout


def test_the_texts_are_what_they_are_meant_to_be() -> None:
    assert len(set(chinese()) - set("。\n")) == 5000
    assert set("ёъщ") - set(russian()) == {"щ"}
    assert {"\u0301", "\u200d", "🏽", "\ufe0f", "\u202e"} <= set(emoji_and_combining_marks())


@pytest.mark.parametrize("vocabulary", ["characters", pytest.param("bytes", marks=pytest.mark.slow)])
def test_a_text_is_learned_resumed_and_generated_without_loss(
    vocabulary: str, text: str, path: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    learn(path, whole, vocabulary)
    learn(path, parts, vocabulary, steps=8)
    learn(path, parts, vocabulary, resume=True)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (parts / "samples.txt").read_bytes() == (whole / "samples.txt").read_bytes()

    model = load(parts)
    if vocabulary == "characters":
        assert model.vocabulary.characters == "".join(sorted(set(text)))
    else:
        assert len(model.vocabulary) == 256
    assert model.vocabulary.decode(model.vocabulary.encode(text)) == text

    prompt = text[-60:]
    written = told(parts, prompt, "--length", "40")
    assert written.startswith(prompt.encode())
    assert written.endswith(b"\n")
    shown = written.decode()
    (sample,) = json.loads(told(parts, prompt, "--length", "40", "--json"))["samples"]
    assert sample["prompt"] == prompt
    assert shown == prompt + sample["text"] + "\n"
    if vocabulary == "characters":
        assert len(sample["text"]) == 40
        assert set(sample["text"]) <= set(text)


def test_every_character_can_be_written(text: str, path: Path, tmp_path: Path) -> None:
    """With weights that leave the model no other choice, it writes each of its characters."""
    learn(path, tmp_path / "run", "characters", steps=6)
    model = file.read(tmp_path / "run")
    for character in [*sorted(set(text))[:: max(1, len(set(text)) // 25)], max(text)]:
        tensors = {name: tensor.copy() for name, tensor in model.tensors.items()}
        tensors["output.weight"][:] = 0
        tensors["output.bias"][:] = 0
        tensors["output.bias"][model.vocabulary.characters.index(character)] = 50
        forced = tmp_path / "forced.safetensors"
        replace(model, tensors=tensors).write(forced)
        assert load(forced).generate(text[:5], length=7, seed=1) == character * 7


def test_a_text_s_evaluation_and_information_count_every_character(
    text: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learn(path, tmp_path / "run", "characters", steps=6)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["characters"], document["unknown_characters"]) == (len(text) - 1, 0)
    assert main(["info", str(path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["length"] == len(text)
    assert document["distinct"] == len(set(text))
    assert document["head"] == text[: len(document["head"])]


def test_a_bytes_model_counts_bytes(text: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learn(path, tmp_path / "run", "bytes", steps=6)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["characters"] == len(text.encode()) - 1


def test_a_prompt_in_another_script_is_refused_by_its_code_points(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(russian(), encoding="utf-8")
    learn(path, tmp_path / "run", "characters", steps=6)
    program = [sys.executable, "-m", "understudy", "generate", str(tmp_path / "run"), "--start", "друг 漢🎭"]
    refused = subprocess.run(program, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "'漢' (U+6F22)" in refused.stderr
    assert "'🎭' (U+1F3AD)" in refused.stderr
    assert "друг" not in refused.stderr
