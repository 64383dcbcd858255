"""A checkpoint comes back as it was saved, or not at all."""

import json
import math
import pickle
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from understudy.errors import CheckpointError, ModelFileError
from understudy.model import container, parameters
from understudy.runs import checkpoint
from understudy.runs.checkpoint import Checkpoint
from understudy.training.loop import Trainer

if TYPE_CHECKING:
    from tests.runs.conftest import Opener

LAYERS = 2
RECIPE: dict[str, Any] = {"checkpoint_every": 7, "evaluate_every": 10, "layers": LAYERS, "dropout": 0.1}


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run with two checkpoints, of 28 and of 30 steps."""
    return shutil.copytree(finished, tmp_path / "run")


def paths(run: Path) -> tuple[Path, Path]:
    """The checkpoint before the last, and the last."""
    before, last = sorted((run / "checkpoint").iterdir())
    return before, last


def everything(trainer: Trainer) -> dict[str, NDArray[Any]]:
    """All tensors that a run's future depends on."""
    found = {f"weights.{name}": array for name, array in parameters.arrays(trainer.network).items()}
    for layer, state in enumerate(trainer.state):
        found |= {f"state.{layer}.{part}": value.numpy() for part, value in enumerate(state)}
    return found


def test_a_loaded_checkpoint_equals_the_saved_one_in_every_field_and_tensor(opened: "Opener") -> None:
    session = opened(**RECIPE)
    for _ in session.reports():
        pass
    loaded = checkpoint.load(paths(session.folder.path)[1])
    assert loaded.facts == replace(session.facts, texts=json.loads(json.dumps(session.facts.texts)))
    assert loaded.progress == session.trainer.progress
    assert loaded.progress.step == 30
    for name in ("metrics.jsonl", "samples.txt"):
        data = (session.folder.path / name).read_bytes()
        assert loaded.written[name] == (len(data), sha256(data).hexdigest())
    expected = everything(session.trainer)
    moments = {name for name in loaded.tensors if name.startswith("exp_avg")}
    weights = len(list(session.trainer.network.parameters()))
    assert len(moments) == 2 * weights
    assert len([name for name in expected if name.startswith("state.")]) == 2 * LAYERS
    assert set(loaded.tensors) == set(expected) | moments
    for name, array in expected.items():
        np.testing.assert_array_equal(loaded.tensors[name], array)
    assert all(np.any(loaded.tensors[name]) for name in loaded.tensors), "a tensor that nothing was put into"


def test_what_was_restored_saves_to_the_same_bytes(run: Path, opened: "Opener", tmp_path: Path) -> None:
    _, last = paths(run)
    other = opened(name="other", **RECIPE, seed=99)
    loaded = checkpoint.load(last)
    loaded.restore(other.trainer)
    again = checkpoint.save(tmp_path / "again", Checkpoint.of(loaded.facts, other.trainer, loaded.written))
    assert again.name == last.name
    assert again.read_bytes() == last.read_bytes()


def test_a_restored_trainer_goes_on_as_the_saved_one_did(opened: "Opener") -> None:
    recipe: dict[str, Any] = {"checkpoint_every": 10, "evaluate_every": 10, "dropout": 0.1, "steps": 20, "keep": 9}
    whole = opened(name="whole", **recipe)
    losses = [report.train_loss for report in whole.trainer.run() if report is not None]
    half = opened(name="half", **recipe)
    taken = half.reports()
    while half.trainer.progress.step < 10:
        next(taken)
    half.save()
    found = checkpoint.load(half.folder.checkpoints / "step-000000000010.safetensors")
    fresh = opened(name="fresh", **recipe)
    found.restore(fresh.trainer)
    assert [report.train_loss for report in fresh.trainer.run() if report is not None] == losses[1:]
    expected = everything(whole.trainer)
    assert expected
    for name, array in everything(fresh.trainer).items():
        np.testing.assert_array_equal(array, expected[name])


def test_infinite_losses_come_back_infinite(opened: "Opener") -> None:
    loaded = checkpoint.load(opened().folder.checkpoints / "step-000000000000.safetensors")
    assert loaded.progress.step == 0
    assert loaded.progress.best_loss == math.inf
    assert loaded.progress.train_loss == math.inf


@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_few_checkpoints_are_kept(keep: int, opened: "Opener") -> None:
    session = opened(checkpoint_every=4, keep=keep)
    for _ in session.reports():
        assert len(list(session.folder.checkpoints.iterdir())) <= keep
    steps = [int(path.stem.removeprefix("step-")) for path in session.folder.checkpoints.iterdir()]
    assert sorted(steps) == [24, 28, 30][-keep:]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def one_byte_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def one_byte_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def random_bytes(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(5000))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"step": 30}))


def saved_by_torch(path: Path) -> None:
    torch.save({"step": 30}, path)


def foreign(path: Path) -> None:
    save_file({"weight": np.zeros((2, 2), np.float32)}, path)


def of_another_kind(path: Path) -> None:
    document, tensors = taken_apart(path)
    container.write(path, "model", document, tensors)


def of_the_next_version(path: Path) -> None:
    data = path.read_bytes()
    old, new = rb"\"format\":1", rb"\"format\":2"
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


def without_a_tensor(path: Path) -> None:
    document, tensors = taken_apart(path)
    del tensors["exp_avg.output.bias"]
    container.write(path, "training state", document, tensors)


def with_a_tensor_of_another_shape(path: Path) -> None:
    document, tensors = taken_apart(path)
    tensors["state.0.0"] = tensors["state.0.0"][:-1]
    container.write(path, "training state", document, tensors)


def without_a_field(path: Path) -> None:
    document, tensors = taken_apart(path)
    del document["written"]
    container.write(path, "training state", document, tensors)


def with_words_for_a_number(path: Path) -> None:
    document, tensors = taken_apart(path)
    document["progress"]["step"] = "thirty"
    container.write(path, "training state", document, tensors)


def taken_apart(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a checkpoint file holds."""

    def expected(document: dict[str, Any]) -> container.Shapes:
        return {name: array.shape for name, array in loaded.tensors.items()}

    loaded = checkpoint.load(path)
    return container.read(path, "training state", expected)


DAMAGE: list[Callable[[Path], None]] = [
    truncated,
    emptied,
    one_byte_short,
    one_byte_long,
    random_bytes,
    pickled,
    saved_by_torch,
    foreign,
    of_another_kind,
    of_the_next_version,
    without_a_tensor,
    with_a_tensor_of_another_shape,
    without_a_field,
    with_words_for_a_number,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=[damage.__name__ for damage in DAMAGE])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(damage: Callable[[Path], None], run: Path) -> None:
    before, last = paths(run)
    intact = checkpoint.load(before)
    damage(last)
    found, passed_over = checkpoint.load_latest(run / "checkpoint")
    assert found is not None
    assert found.progress == intact.progress
    (message,) = passed_over
    assert str(last) in message
    assert "\n" not in message


def test_any_flipped_bit_is_found(run: Path) -> None:
    _, last = paths(run)
    whole, intact = last.read_bytes(), checkpoint.load(last)
    header = 8 + int.from_bytes(whole[:8], "little")
    chance = random.Random(3)
    places = [*range(64), *chance.sample(range(8, header), 150), *chance.sample(range(header, len(whole)), 100)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        last.write_bytes(damaged)
        if chr(whole[place]).swapcase() == chr(damaged[place]) and loads_the_same(last, intact):
            continue  # 1e-05 and 1E-05 are the same number
        with pytest.raises(ModelFileError, match=last.name):
            checkpoint.load(last)


def loads_the_same(path: Path, other: Checkpoint) -> bool:
    try:
        one = checkpoint.load(path)
    except ModelFileError:
        return False
    tensors = all(np.array_equal(one.tensors[name], other.tensors[name]) for name in other.tensors)
    return tensors and (one.facts, one.progress, one.written) == (other.facts, other.progress, other.written)


def test_where_all_checkpoints_are_damaged_all_are_named(run: Path) -> None:
    for path in paths(run):
        truncated(path)
    with pytest.raises(CheckpointError) as raised:
        checkpoint.load_latest(run / "checkpoint")
    for path in paths(run):
        assert str(path) in str(raised.value)


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    assert checkpoint.load_latest(tmp_path) == (None, [])


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(run: Path, opened: "Opener") -> None:
    expected = (run / "model.safetensors").read_bytes()
    _, last = paths(run)
    truncated(last)
    again = opened(request={"resume": True}, **RECIPE)
    assert again.trainer.progress.step == 28
    for _ in again.reports():
        pass
    assert (run / "model.safetensors").read_bytes() == expected
    metrics = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in metrics] == [10, 20, 30]


def test_a_checkpoint_is_a_safetensors_file_that_says_how_it_was_made(run: Path) -> None:
    for path in paths(run):
        with safe_open(path, framework="numpy") as file:
            document = json.loads(file.metadata()["understudy"])
        assert document["recipe"]["checkpoint_every"] == 7
        assert document["schedule"]["steps"] == 30
        assert document["kind"] == "training state"
