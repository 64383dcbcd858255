"""Whatever a checkpoint says, it is taken or refused in one line, within limits of time and memory."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.runs.conftest import SMALL
from tests.runs.fuzzing import (
    HostileMutations,
    Limits,
    assert_one_line,
    attempted,
    contents,
    gone_on_with,
    put,
    taken_apart,
)
from understudy.errors import CheckpointError, ModelFileError
from understudy.model import container, file
from understudy.runs import checkpoint
from understudy.runs.material import TextOptions
from understudy.runs.origin import learned_text
from understudy.runs.request import Request


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run with two checkpoints, of 28 and of 30 steps; the newer one is there to be damaged."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def newest(run: Path) -> Path:
    return run / "checkpoint" / "step-000000000030.safetensors"


def alone(run: Path) -> Path:
    """The newest checkpoint, with no other to fall back to."""
    (run / "checkpoint" / "step-000000000028.safetensors").unlink()
    return newest(run)


@pytest.mark.parametrize("count", [100, pytest.param(6000, marks=pytest.mark.slow)])
def test_every_damage_is_refused_in_one_line_that_names_the_file(count: int, run: Path) -> None:
    path = newest(run)
    mutations, limits, read = HostileMutations(path, seed=count), Limits(), 0
    for _ in range(count):
        mutations.write(path)
        with limits.held():
            try:
                checkpoint.load(path)
                read += 1
            except ModelFileError as error:
                assert_one_line(error, f"{path}: ")
                assert checkpoint.load_latest(path.parent)[0] is not None
    assert 0 < read < count


@pytest.mark.parametrize("count", [12, pytest.param(800, marks=pytest.mark.slow)])
def test_a_run_with_any_damage_goes_on_or_is_refused_in_one_line(count: int, run: Path, text: Path) -> None:
    path, learned = alone(run), text.read_bytes()
    mutations, limits, before = HostileMutations(path, seed=count), Limits(), contents(run)
    for _ in range(count):
        mutations.write(path)
        damaged = path.read_bytes()
        with limits.held():
            if not gone_on_with(run):
                assert contents(run) == before | {str(path.relative_to(run)): damaged}
        assert text.read_bytes() == learned
        restore(run, before)


@pytest.mark.parametrize("count", [12, pytest.param(800, marks=pytest.mark.slow)])
def test_with_any_damage_the_model_is_evaluated(count: int, run: Path) -> None:
    path = alone(run)
    mutations, limits, model, found = HostileMutations(path, seed=count), Limits(), file.read(run), 0
    for _ in range(count):
        mutations.write(path)
        with limits.held():
            learned = learned_text(model, run)
        found += learned.ids is not None
        assert "\n" not in learned.trouble
    assert found < count


@pytest.mark.parametrize("count", [5, pytest.param(300, marks=pytest.mark.slow)])
def test_any_damage_is_overwritten_or_refused_in_one_line(count: int, run: Path, text: Path) -> None:
    path = alone(run)
    mutations, limits, before, gone = HostileMutations(path, seed=count), Limits(), contents(run), 0
    for _ in range(count):
        mutations.write(path)
        damaged = path.read_bytes()
        with limits.held():
            if overwritten(run, text):
                gone += 1
                assert checkpoint.load_latest(path.parent)[0] is not None
            else:
                assert contents(run) == before | {str(path.relative_to(run)): damaged}
        restore(run, before)
    assert gone or count == 5


def overwritten(run: Path, text: Path) -> bool:
    return attempted(Request(TextOptions((str(text),)), "tiny", SMALL | {"steps": 1}, run, overwrite=True), steps=0)


def restore(run: Path, before: dict[str, bytes]) -> None:
    for name in set(contents(run)) - set(before):
        (run / name).unlink()
    for name, data in before.items():
        if not (run / name).exists() or (run / name).read_bytes() != data:
            (run / name).write_bytes(data)


HOSTILE: list[tuple[str, Any]] = [
    ("texts.options.texts", ["/dev/zero"]),
    ("texts.options.texts", ["/dev/zero", "-"]),
    ("texts.options.texts", ["FIFO"]),
    ("texts.options.texts", ["/proc/self/mem"]),
    ("texts.options.texts", ["/proc/kmsg"]),
    ("texts.options.texts", ["/proc/self"]),
    ("texts.options.texts", ["//machine/share/text.txt"]),
    ("texts.options.texts", ["\x1b]0;title\x07\x1b[31m.txt"]),
    ("texts.options.texts", ["a\0b"]),
    ("texts.options.texts", ["x" * 5000]),
    ("texts.options.texts", "/dev/zero"),
    ("texts.options.texts", []),
    ("texts.options.texts", [["/dev/zero"]]),
    ("texts.options.texts", ["\ud800"]),
    ("texts.options.validation_file", "/dev/zero"),
    ("texts.options.validation_file", "FIFO"),
    ("texts.options.encoding", "\x1b[31m"),
    ("texts.options.encoding", "zip"),
    ("texts.options.globs", ["*" * 60 + "b"]),
    ("texts.options.newlines", "crlf"),
    ("texts.options", None),
    ("texts.name", "\x1b[31m"),
    ("texts.name", "../../../etc/passwd"),
    ("texts.characters", -1),
    ("texts.characters", 10**30),
    ("texts.train_characters", 10**18),
    ("progress.step", -1),
    ("progress.step", 10**30),
    ("progress.step", 31),
    ("progress.seconds", "x"),
    ("progress.setbacks", -5),
    ("progress.loss_steps", -30),
    ("progress.rate_scale", -1e300),
    ("progress.best_step", 10**400),
    ("progress", []),
    ("schedule.steps", 0),
    ("schedule.steps", 10**30),
    ("schedule.evaluate_every", -1),
    ("schedule.checkpoint_every", 0),
    ("schedule.report_every", 0),
    ("schedule.apart", 0),
    ("schedule.looked_at", -1),
    ("schedule", ...),
    ("recipe.sequence_length", 10**12),
    ("recipe.batch_size", 10**12),
    ("recipe.batch_size", 0),
    ("recipe.learning_rate", 1e400),
    ("recipe.keep", 0),
    ("recipe.validation", 2.0),
    ("recipe.dropout", -1.0),
    ("recipe.device", "cuda:99"),
    ("recipe.device", "cuda"),
    ("recipe.device", "auto"),
    ("recipe.precision", "auto"),
    ("recipe.precision", ...),
    ("recipe.precision", "__class__"),
    ("recipe.cell", "\x1b[31m"),
    ("recipe.minutes", 1e300),
    ("recipe.seed", -(10**30)),
    ("recipe.unknown", 1),
    ("config.units", 10**9),
    ("config.layers", 10**9),
    ("config.vocabulary", 10**9),
    ("config.ngrams", -1),
    ("vocabulary", {"kind": "bytes", "characters": "\ud800"}),
    ("written", {"../../elsewhere": {"size": 0, "sha256": ""}}),
    ("written", {"metrics.jsonl": {"size": 10**15, "sha256": "00"}}),
    ("written", {"metrics.jsonl": {"size": -1, "sha256": ""}}),
    ("written", {"metrics.jsonl": {"size": True, "sha256": ""}}),
    ("written", {"samples.txt": 10**30}),
    ("asked.origin", "/dev/zero"),
    ("asked.settings", {"units": 0}),
    ("asked.preset", "\x1b[31m"),
    ("origin", {"name": "\x1b[31m", "steps": -1}),
    ("environment", {"torch": "\x1b[31m"}),
    ("environment", [1]),
    ("held_back", {"steps": -1}),
    ("why", "a line"),
    ("why", ["<script>", 1]),
    ("why", ["a"] * 1000),
    ("why", ["a" * 10**6]),
    ("why", ["\x1b[31m</ul><script>", "\ud800"]),
]


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.mark.parametrize(("place", "value"), HOSTILE, ids=[f"{place} {str(value)[:20]!a}" for place, value in HOSTILE])
def test_a_checkpoint_with_a_right_checksum_may_say_what_it_likes(
    place: str, value: Any, run: Path, text: Path, limits: Limits
) -> None:
    path = alone(run)
    document, tensors = taken_apart(path)
    if "FIFO" in (value, *(value if isinstance(value, list) else [])):
        os.mkfifo(run.parent / "pipe")
        value = str(run.parent / "pipe") if isinstance(value, str) else [str(run.parent / "pipe")]
    put(document, place, value)
    container.write(path, "training state", document, tensors)
    before, model = contents(run), file.read(run)
    with limits.held():
        try:
            checkpoint.load_latest(path.parent)
        except CheckpointError as error:
            assert_one_line(error)
        assert "\x1b" not in learned_text(model, run).trouble
        if not gone_on_with(run):
            assert contents(run) == before
            assert overwritten(run, text) or contents(run) == before
