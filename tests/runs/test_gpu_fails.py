"""A GPU that fails at its work ends a run with one line, and the run goes on from its last checkpoint."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.runs.helpers import assert_equal
from understudy.cli.main import main
from understudy.model import file
from understudy.text.batches import Batch
from understudy.training.update import EagerUpdates

SMALL = ("--preset", "tiny", "--steps", "30", "--checkpoint-every", "7", "--units", "16", "--validation", "0.05")
FAILURE = "CUDA error: unspecified launch failure\nSearch for `cudaErrorLaunchFailure' in its documentation."

FAILS_AT_STEP_16 = """
import sys, torch
from understudy.cli.main import main
from understudy.training import captured
take = captured.CapturedUpdates.take
def failing(self, batch, step, rate):
    if step == 16:
        torch.zeros(1, device="cuda")[torch.tensor([5], device="cuda")]
    take(self, batch, step, rate)
captured.CapturedUpdates.take = failing
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "way",
    [
        "in a run",
        pytest.param(
            "on a GPU",
            marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
        ),
    ],
)
def test_a_run_whose_gpu_fails_ends_with_a_line_and_goes_on(
    way: str, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    device = "cuda" if way == "on a GPU" else "cpu"
    train = ["train", str(text), *SMALL, "--device", device, "--quiet", "--out"]
    run, whole = tmp_path / "a run", tmp_path / "whole"
    if device == "cuda":  # a real one, which would spoil this process
        ended = subprocess.run(
            [sys.executable, "-c", FAILS_AT_STEP_16, *train, str(run)], capture_output=True, text=True, check=False
        )
        status, told = ended.returncode, ended.stderr
        said = [line for line in told.splitlines() if line.startswith("understudy:")]
    else:
        take = EagerUpdates.take

        def failing(self: EagerUpdates, batch: Batch, step: int, rate: float) -> None:
            if step == 16:
                raise torch.AcceleratorError(FAILURE)
            take(self, batch, step, rate)

        with monkeypatch.context() as patched:
            patched.setattr(EagerUpdates, "take", failing)
            status = main([*train, str(run)])
        said = capsys.readouterr().err.splitlines()
    assert status == 1
    assert len(said) == 1
    begins, _, remedy = said[0].partition("; go on from the last checkpoint with: ")
    assert begins.startswith("understudy: error: the GPU failed (CUDA error: ")
    assert remedy == f"understudy train --out '{run}' --resume"
    assert main(["train", "--out", str(run), "--resume", "--quiet"]) == 0
    assert main([*train, str(whole)]) == 0
    if device == "cpu":  # sums on a GPU differ in their last bits
        assert_equal(dict(file.read(run).tensors), dict(file.read(whole).tensors))


def test_a_failure_of_the_program_is_not_taken_for_the_gpu_s(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: EagerUpdates, batch: Batch, step: int, rate: float) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(EagerUpdates, "take", failing)
    with pytest.raises(RuntimeError, match=r"^a mistake of ours$"):
        main(["train", str(text), *SMALL, "--quiet", "--out", str(tmp_path / "run")])


def test_a_gpu_that_fails_at_other_work_is_told_in_a_line(
    text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: object) -> None:
        raise torch.AcceleratorError(FAILURE)

    monkeypatch.setattr("understudy.cli.evaluate.run", failing)
    assert main(["evaluate", "@shakespeare", str(text)]) == 1
    told = "understudy: error: the GPU failed (CUDA error: unspecified launch failure); try again\n"
    assert capsys.readouterr().err == told
