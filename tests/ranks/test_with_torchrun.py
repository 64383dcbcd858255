"""Runs that torchrun starts, which some launcher may start again."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ranks.test_runs_of_many import SMALL, kept
from tests.runs.conftest import some_text

pytestmark = pytest.mark.slow
STEPS = 400


def torchrun(folder: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.Popen(
        [*command, "-m", "understudy", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(some_text(12_000), encoding="utf-8")
    return path


def test_a_launcher_that_is_killed_at_any_moment_and_begins_again_loses_nothing(text: Path, tmp_path: Path) -> None:
    """Signals to the launcher: its processes end with it, a killed one's too."""
    command = ["train", text, "--out", "run", *SMALL, "--steps", STEPS, "--resume"]
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    folder.mkdir()
    assert torchrun(undisturbed, *command).wait(120) == 0
    chance, kills = random.Random(1), 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
        started = torchrun(folder, *command)
        time.sleep(chance.uniform(4.0, 6.0))
        started.send_signal(number)
        kills += started.wait(60) != 0
    assert kills, "some came before the end"
    assert torchrun(folder, *command).wait(120) == 0
    assert kept(folder) == kept(undisturbed)
