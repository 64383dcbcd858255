"""What is no model, or a damaged one, gives one line that names it, status 2, and runs nothing."""

import json
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from understudy.model import container

if TYPE_CHECKING:
    pass

TRAIN = ("train", "text.txt", "--out", "new", "--preset", "tiny", "--steps", "3")


def header_of(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="numpy") as file:
        document: dict[str, Any] = json.loads(file.metadata()["understudy"])
    return document


def tensors_of(path: Path) -> dict[str, NDArray[Any]]:
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, NDArray[Any]]], None]) -> None:
    """Change a model file's document and tensors, and give it a right checksum."""
    document, tensors = header_of(path), tensors_of(path)
    del document["checksum"]
    change(document, tensors)
    kind = document["kind"]
    container.write(path, kind, document, tensors)


def no_file(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def only_its_header(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: 8 + int.from_bytes(data[:8], "little")])


def nothing_in_it(path: Path) -> None:
    path.write_bytes(b"")


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(7).randbytes(10_000))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))


def saved_by_torch(path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, path)


def saved_by_torch_long_ago(path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)


def someone_else_s(path: Path) -> None:
    save_file({"wte.weight": np.zeros((4, 4), np.float32)}, path)


def someone_else_s_with_metadata(path: Path) -> None:
    save_file({"wte.weight": np.zeros((4, 4), np.float32)}, path, {"format": "pt"})


def a_flipped_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-7] ^= 4
    path.write_bytes(data)


def a_checkpoint(path: Path) -> None:
    (checkpoint, *_) = (path.parent / "checkpoint").iterdir()
    path.write_bytes(checkpoint.read_bytes())


def an_unknown_key(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(attention=True))


def a_missing_key(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].pop("layers"))


def an_unknown_field(path: Path) -> None:
    rewritten(path, lambda document, tensors: document.update(code="import os"))


def absurd_units(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(units=10**12))


def absurd_layers(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(layers=10**9))


def absurd_in_sum(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(units=32768, layers=64))


def more_units_than_tensors(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(units=32768))


def words_for_units(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(units="twelve"))


def an_unknown_cell(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["config"].update(cell="transformer"))


def too_many_symbols(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["vocabulary"].update(characters="\n abcdefghijklmnoz"))


def symbols_twice(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["vocabulary"].update(characters="\n abcdefghijklmnn"))


def a_tensor_too_many(path: Path) -> None:
    rewritten(path, lambda document, tensors: tensors.update(extra=np.zeros(3, np.float32)))


def a_card_of_numbers(path: Path) -> None:
    rewritten(path, lambda document, tensors: document.update(card={"Data": 3}))


def a_training_of_words(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["training"].update(steps="thirty"))


def a_corpus_of_nothing(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["training"].update(corpus=None))


def half_a_character_in_a_name(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["training"]["corpus"].update(name="a\ud800"))


def half_a_character_in_the_vocabulary(path: Path) -> None:
    rewritten(path, lambda document, tensors: document["vocabulary"].update(characters="\n abcdefghijklmn\ud800"))


def no_end_of_nesting(path: Path) -> None:
    rewritten(
        path, lambda document, tensors: document["training"].update(recipe={"a": json.loads("[" * 500 + "]" * 500)})
    )


def weights_that_are_no_numbers(path: Path) -> None:
    rewritten(path, lambda document, tensors: tensors["output.weight"].fill(np.nan))


def whole_numbers_for_weights(path: Path) -> None:
    rewritten(path, lambda document, tensors: tensors.update({"output.bias": np.zeros(17, np.int64)}))


def of_the_next_version(path: Path) -> None:
    data, old = path.read_bytes(), rb"\"format\":1"
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, rb"\"format\":2"))


def deeply_nested(path: Path) -> None:
    save_file({"weight": np.zeros(1, np.float32)}, path, {"understudy": "[" * 100_000})


MODELS: dict[Callable[[Path], None], str] = {
    no_file: "no model in this folder",
    truncated: "not an intact safetensors file",
    only_its_header: "not an intact safetensors file",
    nothing_in_it: "not an intact safetensors file",
    random_bytes: "not an intact safetensors file",
    pickled: "pickle",
    saved_by_torch: "pickle",
    saved_by_torch_long_ago: "pickle",
    someone_else_s: "not one that Understudy wrote",
    someone_else_s_with_metadata: "not one that Understudy wrote",
    a_flipped_bit: "checksum",
    a_checkpoint: "training state",
    an_unknown_key: "attention",
    a_missing_key: "layers",
    an_unknown_field: "unknown or missing fields",
    a_card_of_numbers: "its card",
    a_training_of_words: "training.steps is 'thirty'",
    a_corpus_of_nothing: "training.corpus is None",
    half_a_character_in_a_name: "lone surrogate",
    half_a_character_in_the_vocabulary: "vocabulary",
    no_end_of_nesting: "nested deeper",
    weights_that_are_no_numbers: "not finite",
    whole_numbers_for_weights: "I64",
    absurd_units: "units 1000000000000",
    absurd_layers: "layers 1000000000",
    absurd_in_sum: "parameters",
    more_units_than_tensors: "expected",
    words_for_units: "units 'twelve'",
    an_unknown_cell: "transformer",
    too_many_symbols: "symbols",
    symbols_twice: "vocabulary",
    a_tensor_too_many: "extra",
    of_the_next_version: "format 2",
    deeply_nested: "damaged",
}


@pytest.mark.parametrize("damage", MODELS, ids=[damage.__name__ for damage in MODELS])
def test_what_is_no_model_is_named_by_every_command(
    damage: Callable[[Path], None], model: Path, text: Path, refused: Callable[..., str]
) -> None:
    damage(model / "model.safetensors")
    for arguments in (
        ("generate", "run"),
        ("evaluate", "run", "text.txt"),
        ("info", "run"),
        ("train", "text.txt", "--from", "run", "--out", "new", "--steps", "3"),
    ):
        line = refused(*arguments)
        assert MODELS[damage] in line, line
        assert "run" in line
        assert len(line) < 500


def test_a_damaged_model_is_refused_before_anything_of_its_size_is_allocated(model: Path) -> None:
    """With 2 GB of address space, whatever the config says: numpy and safetensors are all that is needed to read it."""
    absurd_units(model / "model.safetensors")
    code = (
        "import resource, sys; from understudy.cli.main import main; import understudy.model.file\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); sys.exit(main(['info', sys.argv[1]]))"
    )
    refused = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stderr
    (line,) = refused.stderr.splitlines()
    assert "units 1000000000000" in line


def test_a_pickle_is_not_run(model: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    (model / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    refused("generate", "run")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["nowhere", "nowhere/model.safetensors", "text.txt", "folder"])
def test_what_is_no_model_s_path_is_named(name: str, text: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "folder").mkdir()
    assert name in refused("generate", name)
