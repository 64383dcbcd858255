"""How far the functions of Portable 1 are from the true ones: no farther than docs/portable.md says."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.portable.programs import STRICT, Target, build


def documented() -> dict[str, list[float]]:
    """For each function its greatest errors: absolute, relative, in units of the last place; inf where none is said."""
    text = (ROOT / "docs" / "portable.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (tanh|sigmoid|exponential)\b[^|]*\|([^|]+)\|([^|]+)\|([^|]+)\|$", text, re.MULTILINE)
    return {row[0]: [float(cell) if cell.strip(" -") else float("inf") for cell in row[1:]] for row in rows}


def measured(stride: int, folder: Path) -> dict[str, list[float]]:
    """The same over every `stride`th float32, and where each is reached."""
    source = Path(__file__).with_name("portable_errors.c")
    command = build(Target("gcc", (*STRICT, "-O2")), folder, [source], ["-lm"])
    done = subprocess.run([*command, str(stride)], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: [float(numbers[place]) for place in (0, 2, 4)] for name, *numbers in lines}


@pytest.mark.parametrize("stride", [4999, pytest.param(1, marks=pytest.mark.slow)])
def test_the_errors_are_what_is_documented(stride: int, tmp_path: Path) -> None:
    told, found = documented(), measured(stride, tmp_path)
    assert set(told) == set(found) == {"tanh", "sigmoid", "exponential"}
    for name, errors in found.items():
        for error, bound in zip(errors, told[name], strict=True):
            assert 0 < error <= bound, name
            if stride == 1 and bound < float("inf"):
                assert error > 0.99 * bound, f"{name}: less than is documented"
