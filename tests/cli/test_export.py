"""`understudy export`: what it tells, and what it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.test_imports import MAIN, imported
from tests.extras import needs_onnx
from understudy.model import file

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


@needs_onnx
def test_a_model_goes_out_under_its_own_name(understudy: "CommandLine", model: Path, tmp_path: Path) -> None:
    result = understudy("export", model, "--to", "onnx")
    assert (result.status, result.err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "run.onnx", "run.onnx.json"}
    for name in ("run.onnx", "run.onnx.json"):
        (line,) = [line for line in result.out.splitlines() if line.startswith(f"{name} ")]
        assert line.endswith(f" {(tmp_path / name).stat().st_size:,} bytes")
    assert "\nstate          96 bytes a stream\n" in result.out  # h and c of 12 units in float32
    assert "same seed      the draw is the program's" in result.out
    assert "a layer of 12 LSTM units, 17 characters; it learned from text" in result.out


@needs_onnx
def test_the_card_is_told_in_short_and_controls_no_terminal(understudy: "CommandLine", model: Path) -> None:
    card = {"Data": "a\x1b[2J" + " word" * 200, "Li\nmits": "few"}
    replace(file.read(model), card=card).write(model / "model.safetensors")
    shown = understudy("export", model, "--to", "onnx").out
    assert "\x1b" not in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("Data ")]
    assert line.endswith("word ...")
    assert len(line) < 130
    assert "Li\\nmits       few\n" in shown


@needs_onnx
def test_the_json_tells_all_of_it(understudy: "CommandLine", model: Path, tmp_path: Path) -> None:
    result = understudy("export", model, "--to", "onnx", "-o", "out/a.onnx", "--loop", "--draw", "top-k", "--json")
    document = json.loads(result.out)
    paths = ["out/a.onnx", "out/a.read.onnx", "out/a.onnx.json"]
    assert document["files"] == [{"path": path, "bytes": (tmp_path / path).stat().st_size} for path in paths]
    assert document["to"] == "onnx"
    assert document["sizes"]["state"] == 96
    assert document["vocabulary"]["characters"] == "\n abcdefghijklmno"
    about = json.loads((tmp_path / "out" / "a.onnx.json").read_text())
    assert (about["draw"], about["precision"]) == ("top-k", "float32")
    assert document["promise"] == about["promise"]


@needs_onnx
def test_an_export_is_replaced_where_that_was_asked_for(understudy: "CommandLine", model: Path) -> None:
    assert understudy("export", model, "--to", "onnx").status == 0
    assert understudy("export", model, "--to", "onnx", "--overwrite").status == 0


def test_mistakes_are_one_line_and_leave_everything_as_it_was(refused: Callable[..., str], model: Path) -> None:
    to = ("--to", "onnx")
    assert "required: --to" in refused("export", model)
    assert "--to pdf: expected one of c, html, onnx" in refused("export", model, "--to", "pdf")
    assert "no such model" in refused("export", "nothing", *to)
    assert "--out '': expected a path" in refused("export", model, *to, "-o", "")
    assert "run: a folder; name a file in it, run/model.onnx say" in refused("export", model, *to, "-o", "run")
    assert "add --loop" in refused("export", model, *to, "--draw", "greedy")
    assert "--draw x: expected one of plain" in refused("export", model, *to, "--draw", "x")
    assert "samples.txt: belongs to the run" in refused("export", model, *to, "-o", "run/samples.txt")
    of_the_model = ("-o", "run/model.safetensors", "--overwrite")
    assert "holds a model" in refused("export", model, *to, *of_the_model)
    assert "holds a model" in refused("export", model / "model.safetensors", *to, *of_the_model)
    (checkpoint, *_) = (model / "checkpoint").iterdir()
    assert "or a checkpoint" in refused("export", model, *to, "-o", checkpoint, "--overwrite")


def test_help_imports_nothing_that_is_large() -> None:
    loaded = imported(MAIN, "export", "--help")
    assert not {"torch", "numpy", "onnx", "onnxruntime", "safetensors"} & loaded


@needs_onnx
def test_exporting_imports_no_torch_and_no_runtime(trained: Path, tmp_path: Path) -> None:
    for more in ((), ("--loop", "--overwrite")):
        loaded = imported(MAIN, "export", str(trained), "--to", "onnx", "-o", "a.onnx", *more, folder=tmp_path)
        assert "onnx" in loaded
        assert not {"torch", "onnxruntime"} & loaded
