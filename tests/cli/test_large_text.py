"""A text larger than memory ought to be: surveyed, encoded, learned from and gone on with, by the command itself."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from large_text import SMALL as FEW_BYTES
from large_text import make, ran

from tests.cli.conftest import SMALL
from tests.cli.helpers import program

GIGABYTE = 10**9
BOUND = GIGABYTE // 2
"""Bytes above the model's, of the process's own and of files together; half of what is promised."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a process has in memory is read as Linux tells it")
@pytest.mark.parametrize("kind", ["ascii", "mixed"])
def test_a_gigabyte_is_learned_from_and_gone_on_with_in_bounded_memory(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**os.environ, "UNDERSTUDY_CACHE": str(tmp_path / "cache")}
    text, small = tmp_path / "large.txt", tmp_path / "small.txt"
    make(small, kind, FEW_BYTES)
    asked = [*SMALL, "--steps", 1000]
    try:
        model = ran(program("train", small, "--out", tmp_path / "model", *asked), environment)
        make(text, kind, GIGABYTE)
        begun = ran(program("train", text, "--out", tmp_path / "run", *asked), environment)
        resumed = ran(program("train", "--out", tmp_path / "run", "--resume"), environment)
    finally:
        for path in (text, tmp_path / "cache"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    with capsys.disabled():
        for name, one in (("model", model), ("begun", begun), ("resumed", resumed)):
            own, files, both = (part / 1e6 for part in one.peak)
            print(f"\n{kind}, {name}: first step after {one.first_step:.1f} s; {own:.0f} + {files:.0f} MB", end="")
            print(f", at most {both:.0f} at one moment", end="")
    for one in (begun, resumed):
        assert one.peak.both - model.peak.both < BOUND
