"""Whether a process is one of many, and meeting the others."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist

from tests.ranks.conftest import free_port
from tests.runs.conftest import some_text
from understudy import api
from understudy.errors import ConfigError, RanksError
from understudy.ranks import joining
from understudy.ranks.contract import Alone

IN_A_GROUP = """
import sys
import torch
import torch.distributed as dist
import understudy
rank, port, text = sys.argv[1:]
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=int(rank), world_size=2)
model = understudy.train(text, out=f"run-{rank}", preset="tiny", batch_size=4, steps=6, quiet=True)
print(model.training["steps"], repr(model.generate(length=30, seed=1)))
count = torch.ones(1)
dist.all_reduce(count)
print(int(count), dist.get_world_size())
dist.destroy_process_group()
"""


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(some_text(6_000), encoding="utf-8")
    return path


def test_a_program_in_a_group_joins_it_and_leaves_it_as_it_was(text: Path, tmp_path: Path) -> None:
    """Both have the model, also the one that does not keep the run."""
    port = str(free_port())
    command = [sys.executable, "-c", IN_A_GROUP]
    processes = [
        subprocess.Popen([*command, rank, port, str(text)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for rank in ("0", "1")
    ]
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert said[0].startswith("6 ")
    assert said[0].splitlines()[-1] == "2 2"
    assert (tmp_path / "run-0" / "model.safetensors").is_file()
    assert not (tmp_path / "run-1").exists()


def launched(monkeypatch: pytest.MonkeyPatch, **environment: object) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.parametrize("environment", [{}, {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "x", "MASTER_PORT": 1}])
def test_one_process_trains_without_a_group(
    environment: dict[str, object], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, **environment)
    with joining.joined() as ranks:
        assert isinstance(ranks, Alone)
    run = api.Run(text, out=tmp_path / "run", preset="tiny", batch_size=4, steps=2)
    for _ in run:
        assert not dist.is_initialized()
    assert run.model.training["steps"] == 2


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"RANK": 3, "WORLD_SIZE": 2}, "RANK=3 of WORLD_SIZE=2: expected 0 to 1"),
        ({"RANK": -1, "WORLD_SIZE": 2}, "RANK=-1 of WORLD_SIZE=2: expected 0 to 1"),
        ({"RANK": 0, "WORLD_SIZE": "two"}, "WORLD_SIZE=two: expected a whole number"),
        ({"RANK": "", "WORLD_SIZE": 2}, "RANK="),
        ({"RANK": 0, "WORLD_SIZE": 0}, "WORLD_SIZE=0"),
        ({"RANK": 0, "WORLD_SIZE": 2}, "MASTER_ADDR, MASTER_PORT is not set"),
        ({"RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1"}, "MASTER_PORT is not set"),
        ({"RANK": 1, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "a"}, "MASTER_PORT=a: expected"),
    ],
)
def test_a_launchers_nonsense_is_refused_in_one_line(
    environment: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched(monkeypatch, **environment)
    with pytest.raises(ConfigError) as raised, joining.joined():
        pass
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not dist.is_initialized()


def test_a_process_that_meets_nobody_says_where_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "_MEETING", timedelta(seconds=1))
    launched(monkeypatch, RANK=1, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port())
    with pytest.raises(RanksError) as raised, joining.joined():
        pass
    assert "process 1 of 2: the others were not met at 127.0.0.1:" in str(raised.value)
    assert "\n" not in str(raised.value)


IMPATIENT = """
import sys, threading, time
from datetime import timedelta
from understudy.cli.main import main

def hurry():
    while not hasattr(sys.modules.get("understudy.ranks.joining"), "joined"):
        time.sleep(0.001)
    sys.modules["understudy.ranks.joining"]._MEETING = timedelta(seconds=1)

threading.Thread(target=hurry, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""


def test_the_program_says_so_in_one_line(text: Path, tmp_path: Path) -> None:
    place = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    command = [sys.executable, "-c", IMPATIENT, "train", str(text), "--out", str(tmp_path / "run"), "--steps", "2"]
    ended = subprocess.run(command, env={**os.environ, **place}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "process 1 of 2: the others were not met at 127.0.0.1:" in line
    assert not (tmp_path / "run").exists()
