"""Metrics and samples that were changed: nothing is cut that the run did not write, and every refusal is one line."""

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.runs.fuzzing import Limits, contents, gone_on_with
from tests.runs.test_fuzz_checkpoint import alone, overwritten, restore

NAMES = ("metrics.jsonl", "samples.txt")
WORDS = [
    b"what the user wrote\n",
    b'{"step": 1}\n',
    b'{"accuracy": 1}\n',
    b"--- step 1 ---\n",
    b"\xff\xfe",
    b"[" * 9999,
]


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run whose only checkpoint tells of all that its files hold."""
    run = shutil.copytree(finished, tmp_path / "run")
    alone(run)
    return run


def change(path: Path, intact: bytes, chance: random.Random, elsewhere: Path) -> None:
    """Make something else of a file."""
    data = bytearray(intact)
    kind = chance.random()
    if kind < 0.4:
        for _ in range(chance.choice([1, 1, 2, 5])):
            place = chance.randrange(len(data))
            data[place : place + chance.choice([0, 1, 1, 7])] = chance.randbytes(chance.choice([0, 1, 1, 5]))
    elif kind < 0.5:
        del data[chance.randrange(len(data)) :]
    elif kind < 0.6:
        data += chance.choice(WORDS) + chance.randbytes(chance.randrange(50))
    elif kind < 0.7:
        data[:0] = chance.choice(WORDS)
    elif kind < 0.8:
        data[:] = chance.choice([b"", *WORDS]) + chance.randbytes(chance.randrange(50))
    path.unlink()
    if kind < 0.8:
        path.write_bytes(data)
        return
    elsewhere.write_bytes(data)
    if kind < 0.85:
        path.symlink_to(elsewhere)
    elif kind < 0.9:
        path.hardlink_to(elsewhere)
    elif kind < 0.93:
        path.mkdir()
        (path / "inside").write_bytes(data)
    elif kind < 0.96:
        os.mkfifo(path)
    else:
        path.symlink_to(chance.choice(["/dev/zero", "/dev/full", "nowhere", "."]))


def put_back(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif not path.is_file() or path.is_symlink() or path.stat().st_nlink > 1:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("how", ["resume", "overwrite"])
@pytest.mark.parametrize("count", [15, pytest.param(600, marks=pytest.mark.slow)])
def test_what_a_run_did_not_write_is_kept_or_the_command_is_refused_in_one_line(
    count: int, how: str, run: Path, text: Path, tmp_path: Path
) -> None:
    chance, limits, intact = random.Random(count), Limits(), contents(run)
    elsewhere = tmp_path / "elsewhere"
    went = 0
    for _ in range(count):
        name = chance.choice(NAMES)
        change(run / name, intact[name], chance, elsewhere)
        before = contents(run)
        kept = elsewhere.read_bytes() if elsewhere.exists() else b""
        with limits.held():
            goes = gone_on_with(run) if how == "resume" else overwritten(run, text)
        if goes:
            went += 1
            assert before.get(name, intact[name])[: len(intact[name])] == intact[name], "it was not the run's any more"
        else:
            assert contents(run) == before
        assert (elsewhere.read_bytes() if elsewhere.exists() else b"") == kept
        elsewhere.unlink(missing_ok=True)
        for path in map(run.joinpath, NAMES):
            put_back(path)
        restore(run, intact)
    assert 0 < went < count
