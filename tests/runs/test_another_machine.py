"""A run that goes on where it did not begin."""

import shutil
from pathlib import Path

import pytest
import torch

from tests.runs.fuzzing import contents, gone_on_with, put, taken_apart
from understudy.errors import ConfigError
from understudy.model import container
from understudy.runs import checkpoint
from understudy.runs.request import Request
from understudy.runs.session import Session


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def change(run: Path, place: str, value: object) -> None:
    path = run / "checkpoint" / "step-000000000030.safetensors"
    document, tensors = taken_apart(path)
    put(document, place, value)
    container.write(path, "training state", document, tensors)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_run_that_was_started_on_a_gpu_says_so_where_there_is_none(run: Path) -> None:
    change(run, "recipe.device", "cuda")
    before = contents(run)
    with pytest.raises(ConfigError, match=r"started on a GPU, and none can be used here; .*--from .* keeps what was"):
        list(Session(Request(None, None, {}, run, resume=True)).prepare())
    assert contents(run) == before


@pytest.mark.parametrize("name", ["device", "precision"])
def test_what_a_checkpoint_leaves_open_is_settled_for_this_machine(name: str, run: Path) -> None:
    change(run, f"recipe.{name}", "auto")
    assert gone_on_with(run)
    found = checkpoint.load(run / "checkpoint" / "step-000000000030.safetensors")
    session = Session(Request(None, None, {}, run, resume=True))
    list(session.prepare())
    session.close()
    assert getattr(found.facts.recipe, name) == "auto"
    assert getattr(session.facts.recipe, name) in ("cpu", "cuda", "float32", "bfloat16")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.gpu
def test_float32_is_float32_on_a_gpu_in_later_sittings_too(run: Path) -> None:
    change(run, "recipe.device", "cuda")
    torch.backends.cudnn.allow_tf32 = True
    assert gone_on_with(run)
    assert not torch.backends.cudnn.allow_tf32
