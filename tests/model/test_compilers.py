"""The kernels are built by whatever compilers people have, and each build computes the equations."""

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.model.test_recurrence import results
from understudy.model.config import Cell
from understudy.model.recurrence import compiled, reference
from understudy.model.recurrence.cpu import CpuRecurrence

KERNELS = Path(compiled.__file__).parent / "kernels" / "kernels.c"
FLAGS = ("-std=c11", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-shared", "-fPIC")
COMPILERS = ["cc", *(f"gcc-{version}" for version in (9, 10, 11, 12, 13, 14)), "clang"]


def forget() -> None:
    for found in (compiled._library, compiled._function, compiled._paths, compiled._tile_types):
        found.cache_clear()


@pytest.fixture(
    scope="module",
    params=[COMPILERS[0], *(pytest.param(compiler, marks=pytest.mark.slow) for compiler in COMPILERS[1:])],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kernels as one compiler builds them (quickly: not optimised as much as in the package), in use."""
    compiler = shutil.which(request.param)
    if compiler is None or sys.platform == "win32":
        pytest.skip(f"no {request.param} here")
    out = tmp_path_factory.mktemp("kernels") / "_kernels.so"
    command = [compiler, *FLAGS, "-O1", str(KERNELS), "-o", str(out), "-lm", "-pthread"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "_file", lambda: str(out))
        forget()
        yield
    forget()


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("units", [40, compiled.TILE])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_every_compiler_s_kernels_compute_the_equations(cell: Cell, units: int) -> None:
    assert isinstance(compiled._library(), ctypes.CDLL)
    assert compiled.described().startswith("compiled kernels")
    equations = reference.gru if cell == "gru" else reference.lstm
    exact = results(equations, cell, torch.float64, torch.float64, units=units)
    for dtype, products, within in (
        (torch.float64, torch.float64, 1e-12),
        (torch.float32, torch.float32, 2e-6),
        (torch.float32, torch.bfloat16, 2e-2),
    ):
        got = results(CpuRecurrence(cell), cell, dtype, products, units=units)
        for mine, wanted in zip(got, exact, strict=True):
            assert (mine.double() - wanted).abs().max() <= within * wanted.abs().max()


def test_what_computes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        """Stands for kernels on a processor that this one is not."""

        def __init__(self, sets: int, level: int) -> None:
            self.sets, self.level = lambda: sets, lambda: level

    def told(library: Library | None, *, amx: bool = False) -> str:
        monkeypatch.setattr(compiled, "_library", lambda: library)
        monkeypatch.setattr(compiled, "_amx", lambda: amx)
        for kept in (compiled._paths, compiled._tile_types):
            kept.cache_clear()
        return compiled.described()

    try:
        assert told(Library(1 | 2 | 4, 4)) == "compiled kernels: AVX-512 with bfloat16 tiles"
        assert told(Library(1 | 4, 4)) == "compiled kernels: AVX-512 tiles (float32)"
        with_amx = told(Library(1 | 2 | 4, 4), amx=True)
        assert with_amx == "compiled kernels: AVX-512 tiles (float32), bfloat16 by oneDNN with AMX"
        assert told(Library(4, 3)) == "compiled kernels: AVX2 tiles (float32)"
        assert told(Library(8, 0)) == "compiled kernels: NEON tiles (float32)"
        assert told(Library(0, 3)) == "compiled kernels, x86-64-v3 (AVX2), products by PyTorch"
        assert told(Library(0, 1)) == told(Library(0, 0)) == "compiled kernels, products by PyTorch"
        monkeypatch.setattr(compiled, "_file", lambda: None)
        assert (
            told(None) == "PyTorch's modules (no compiled kernels: none were built, as a C compiler does on installing)"
        )
        monkeypatch.setattr(compiled, "_file", lambda: "kernels.so")
        assert told(None) == "PyTorch's modules (no compiled kernels: they cannot be loaded)"
    finally:
        monkeypatch.undo()
        for kept in (compiled._paths, compiled._tile_types):
            kept.cache_clear()


def test_the_instructions_of_the_processor_are_told() -> None:
    assert compiled.instructions().split(", ")[0] in {"AVX-512", "AVX2", "none beyond the ordinary ones"} or (
        torch.backends.cpu.get_cpu_capability() in compiled.instructions()
    )
