"""A process may be forked after it has trained, evaluated or written, and a model copied after it has written."""

import copy
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import understudy
from tests import forking_process
from understudy.errors import ConfigError
from understudy.generation.portable.engine import PortableEngine
from understudy.model import file, forked
from understudy.model.gpu import use_gpu
from understudy.model.parameters import network_of

ROOT = Path(__file__).resolve().parents[1]

DEEDS = [
    *(f"{how} {deed}" for how in ("by_os", "by_multiprocessing") for deed in ("trains", "evaluates", "writes")),
    *("parent keeps its threads", "parent writes"),
]


@pytest.fixture(scope="module")
def deeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What children of a process that computes on two threads came to; see `forking_process.py`."""
    if not hasattr(os, "fork"):
        pytest.skip("no process is forked here")
    folder = tmp_path_factory.mktemp("forks")
    text = folder / "text.txt"
    text.write_text("".join(random.Random(2).choices("abcdefghij klmno\n", k=6000)), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, forking_process.__file__, str(text), str(folder)],
        env={**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(line.rsplit(": ", 1) for line in ended.stdout.splitlines() if ": " in line)


@pytest.mark.parametrize("deed", DEEDS)
def test_a_forked_process_computes_what_its_parent_does(deed: str, deeds: dict[str, str]) -> None:
    assert deeds[deed] == "True", deeds


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_and_an_engine_that_have_written_can_be_copied(how: object) -> None:
    model = understudy.load("@shakespeare")
    written = model.generate("A", length=40, seed=3)
    engine, network = model.engine, network_of(file.read("@shakespeare"))
    assert isinstance(engine, PortableEngine)
    assert how(model).generate("A", length=40, seed=3) == written  # type: ignore[operator]
    again = understudy.load("@shakespeare")
    again.engine = how(engine)  # type: ignore[operator]
    assert again.generate("A", length=40, seed=3) == written
    assert how(network).config == network.config  # type: ignore[operator]
    assert model.generate("A", length=40, seed=3) == written


def test_a_child_in_which_pytorch_takes_no_gradients_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch refuses so beside a GPU only: here its refusal is put in the place of the gradient."""

    def refuse(*_: object) -> None:
        raise RuntimeError("Unable to handle autograd's threading in combination with fork-based multiprocessing.")

    monkeypatch.setattr(forked, "_untried", True)
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "backward", refuse)
        with pytest.raises(ConfigError, match="spawn"):
            forked.check_learning()
    forked.check_learning()
    monkeypatch.setattr(torch.Tensor, "backward", refuse)
    forked.check_learning()  # it was tried


def test_a_child_of_a_process_that_used_the_gpu_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(ConfigError, match=r"^--device cuda: .*forked.*spawn$"):
        use_gpu()
