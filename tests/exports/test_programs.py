"""The programs of docs/programs write with what was exported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exports.models import example, written
from tests.extras import needs_onnx
from tests.generation.conftest import ALPHABET
from understudy.api import Model
from understudy.generation.sampling import Sampling
from understudy.model.file import ModelFile

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "docs" / "programs"


def run(folder: Path, *command: object) -> bytes:
    return subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, check=True).stdout


def text_of(model: ModelFile, start: str, seed: int, length: int, sampling: Sampling) -> bytes:
    ids = list(written(model, start, seed, length, sampling))
    symbols = model.vocabulary.symbols
    if model.vocabulary.kind == "bytes":
        return start.encode() + bytes(ids)
    return (start + "".join(chr(symbols[number]) for number in ids)).encode()


@needs_onnx
@pytest.mark.parametrize(
    ("kind", "symbols", "start"),
    [("gru-1-50", "", "é and"), pytest.param("lstm-3-0", ALPHABET, "", marks=pytest.mark.slow)],
    ids=["bytes and n-grams", "characters"],
)
def test_the_program_in_python_writes_the_text_of_a_seed(tmp_path: Path, kind: str, symbols: str, start: str) -> None:
    model = example(kind, symbols=symbols)
    Model(model).export("onnx", tmp_path / "model.onnx")
    found = run(tmp_path, sys.executable, PROGRAMS / "write_with_onnx.py", "model.onnx", start, 11, 80)
    assert found == text_of(model, start, 11, 80, Sampling())


def node_modules() -> Path:
    """Where onnxruntime-web is for Node: in the project's folder, or in one of NODE_PATH."""
    if shutil.which("node") is None:
        pytest.skip("no node here")
    places = [str(ROOT / "node_modules"), *os.environ.get("NODE_PATH", "").split(os.pathsep)]
    for place in filter(None, places):
        if (Path(place) / "onnxruntime-web").is_dir():
            return Path(place)
    pytest.skip("no onnxruntime-web here: see docs/export.md")


@pytest.fixture
def node_folder(tmp_path: Path) -> Path:
    """A folder with the program in it, in which Node finds the package."""
    (tmp_path / "node_modules").symlink_to(node_modules())
    shutil.copy(PROGRAMS / "write_with_onnx.mjs", tmp_path)
    return tmp_path


@needs_onnx
@pytest.mark.parametrize(
    ("kind", "symbols"),
    [("lstm-3-0", ALPHABET), pytest.param("gru-1-50", "", marks=pytest.mark.slow)],
    ids=["characters", "bytes and n-grams"],
)
def test_the_program_in_node_writes_the_most_probable_text(node_folder: Path, kind: str, symbols: str) -> None:
    model = example(kind, symbols=symbols)
    Model(model).export("onnx", node_folder / "model.onnx")
    found = run(node_folder, "node", "write_with_onnx.mjs", "model.onnx", 80, 0)
    assert found == text_of(model, "", 0, 80, Sampling(0))


@needs_onnx
@pytest.mark.slow
def test_the_program_in_node_draws(node_folder: Path) -> None:
    model = example("gru-1-0")
    Model(model).export("onnx", node_folder / "model.onnx")
    first, second = (run(node_folder, "node", "write_with_onnx.mjs", "model.onnx", 80).decode() for _ in range(2))
    assert first != second
    assert len(first) == len(second) == 80
    assert set(first + second) <= set(model.vocabulary.characters)


@pytest.mark.parametrize("program", ["write_with_onnx.py", "write_with_onnx.mjs"])
def test_a_program_is_short(program: str) -> None:
    lines = (PROGRAMS / program).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 25
