"""portable.wasm is what the one compiler makes of the runtime, and asks for nothing of whoever runs it."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portable.javascript import node
from tests.portable.programs import PORTABLE, WASM

SCRIPT = PORTABLE / "make_wasm.sh"
LARGEST = 32 * 1024
SURFACE = {"memory", "free_from", "open_model", "stream_bytes", "start", "read", "draw", "write", "logits", "hidden"}
SURFACE |= {"carried"}


def compiler() -> str:
    """The version that the script wants; the test is skipped where another is installed, or none."""
    wanted = re.search(r"^wanted=(\S+)$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert wanted
    try:
        found = importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != wanted[1]:
        pytest.skip(f"the compiler of portable.wasm is not here, but {found}: pip install ziglang=={wanted[1]}")
    return wanted[1]


def make(*arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = os.environ | {"PYTHON": sys.executable, "ZIG_GLOBAL_CACHE_DIR": str(folder / "cache")} | environment
    return subprocess.run(["sh", str(SCRIPT), *arguments], env=settings, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_made_again_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    compiler()
    made = make(str(tmp_path / "again.wasm"), folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "again.wasm").read_bytes() == WASM.read_bytes()


def test_another_compiler_is_refused_by_name(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho 0.99.0\n")
    fake.chmod(0o755)
    made = make(str(tmp_path / "again.wasm"), folder=tmp_path, PYTHON=str(fake))
    assert made.returncode == 2
    assert made.stderr.count("\n") == 1
    assert "found 0.99.0" in made.stderr
    assert not (tmp_path / "again.wasm").exists()


def test_it_is_small_and_imports_nothing() -> None:
    program = (
        f"const m = new WebAssembly.Module(require('fs').readFileSync({json.dumps(str(WASM))}));"
        "console.log(JSON.stringify([WebAssembly.Module.imports(m), WebAssembly.Module.exports(m).map((e) => e.name)]))"
    )
    done = subprocess.run([node(), "-e", program], capture_output=True, text=True, check=True)
    imports, exports = json.loads(done.stdout)
    assert imports == []
    assert set(exports) == SURFACE
    assert WASM.stat().st_size < LARGEST
