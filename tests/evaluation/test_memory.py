"""Memory does not grow with the text, nor with the vocabulary beyond what its parameters take."""

import json
import os
import subprocess
import sys

import pytest

from tests.evaluation.measured_peaks import CASES

QUICK = {"streamed": 120, "windowed": 140, "temperature": 120, "calibration": 150, "step": 140, "counting": 30}
"""Megabytes; without a bound each takes far more. Some thirty of them are libraries that load as they are used."""
LONG = {
    "streamed, long": 120,
    "streamed, Unicode": 120,
    "windowed, many": 140,
    "temperature, long": 120,
    "dynamic": 200,
    "step, 300,000 symbols": 180,
    "counting, long": 200,
    "xz, long": 1074,
}


def measured(names: list[str]) -> dict[str, float]:
    if not sys.platform.startswith("linux"):
        pytest.skip("what a process has in memory is read as Linux tells it")
    program = [sys.executable, "-m", "tests.evaluation.measured_peaks", *names]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = json.loads(subprocess.run(program, check=True, stdout=subprocess.PIPE, env=environment).stdout)
    assert set(found) == set(names)
    return dict(found)


def test_every_case_has_a_bound() -> None:
    assert QUICK.keys() | LONG.keys() == CASES.keys()


@pytest.mark.slow
def test_logits_and_baselines_have_a_bound_whatever_the_vocabulary_and_the_text() -> None:
    found = measured(list(QUICK))
    assert {name: peak for name, peak in found.items() if peak > QUICK[name]} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_the_bound_holds_at_any_length(name: str) -> None:
    assert measured([name])[name] < LONG[name]
