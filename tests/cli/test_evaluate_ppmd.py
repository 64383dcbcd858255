"""PPMd in what `understudy evaluate` shows, and where it is not installed."""

import json
import math
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_imports import MAIN, imported
from understudy.evaluation import ppmd

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

needs_ppmd = pytest.mark.skipif(find_spec("pyppmd") is None, reason="pyppmd: pip install 'understudy[ppmd]'")


@needs_ppmd
def test_ppmd_stands_among_the_baselines(understudy: "CommandLine", model: Path, text: Path) -> None:
    bits = json.loads(understudy("evaluate", model, text, "--json").out)["baselines"]["ppmd"]
    assert 0 < bits < math.log2(18)
    (line,) = [line for line in understudy("evaluate", model, text).out.splitlines() if "for scale" in line]
    assert f", PPMd {bits:.4f} (it does too), counting six characters" in line
    assert "understudy[ppmd]" not in line


def test_a_ppmd_that_may_forget_says_so(
    understudy: "CommandLine", model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ppmd, "predicted", lambda *texts: ppmd.Predicted(6000.0, 1 << 30))
    shown = understudy("evaluate", model, text).out
    assert "PPMd 1.0000 (it does too, and may forget: its 1024 MiB may be too few)" in shown


def test_without_ppmd_the_others_stand_and_the_remedy_is_named(
    understudy: "CommandLine", model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyppmd", None)
    result = understudy("evaluate", model, text, "--json")
    assert (result.status, result.err) == (0, "")
    told = json.loads(result.out)["baselines"]
    assert told["ppmd"] is None
    assert told["xz"] > 0
    (line,) = [line for line in understudy("evaluate", model, text).out.splitlines() if "for scale" in line]
    assert line.endswith("bits a character; PPMd: with understudy[ppmd]")


@pytest.mark.parametrize("arguments", [("--help",), ("evaluate", "--help"), ("generate", "--help")], ids=" ".join)
def test_help_does_not_import_ppmd(arguments: tuple[str, ...]) -> None:
    assert "pyppmd" not in imported(MAIN, *arguments)


def test_writing_does_not_import_ppmd(model: Path) -> None:
    assert "pyppmd" not in imported(MAIN, "generate", str(model), "--length", "5")


def test_without_baselines_it_is_not_asked_for(
    understudy: "CommandLine", model: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "pyppmd", raising=False)
    assert understudy("evaluate", model, text, "--no-baselines").status == 0
    assert "pyppmd" not in sys.modules
