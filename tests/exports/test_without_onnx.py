"""ONNX is an extra: where it is not installed, one line says what to install, and nothing is written."""

import sys
from pathlib import Path

import pytest

from tests.exports.models import example
from understudy.cli.main import main
from understudy.errors import MissingExtraError
from understudy.exports.graphs.making import make


@pytest.mark.parametrize("loop", [False, True])
def test_without_onnx_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, loop: bool) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'understudy\[onnx\]'"):
        make(example(), "model.onnx", loop=loop)


def test_without_onnx_the_command_says_so_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.chdir(tmp_path)
    assert main(["export", "@shakespeare", "--to", "onnx", "-o", "out.onnx"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "understudy: error: --to onnx: onnx is not installed; pip install 'understudy[onnx]'"
    assert list(tmp_path.iterdir()) == []
