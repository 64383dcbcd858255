"""Whole sequences in every set of instructions, whoever compiles them; other processors' under an emulator."""

import shutil
import subprocess
from pathlib import Path

import pytest

from understudy.model.recurrence import compiled

PROGRAM = Path(__file__).with_name("sequences_agree.c")
KERNELS = Path(compiled.__file__).parent / "kernels"
SANITIZED = ("-O1", "-g", "-fno-sanitize-recover=all")
WAYS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "gcc": ("gcc", ("-O3", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"), ()),
    "gcc unoptimised": ("gcc", ("-O0",), ()),
    "clang": ("clang", ("-O3", "-ffp-contract=fast"), ()),
    "memory sanitized": ("clang", (*SANITIZED, "-fsanitize=address,undefined"), ()),
    "threads sanitized": ("clang", (*SANITIZED, "-fsanitize=thread"), ()),
    "a processor of 2008": ("gcc", ("-O2", "-static"), ("qemu-x86_64", "-cpu", "Nehalem")),
    "a processor of 2013": ("gcc", ("-O2", "-static"), ("qemu-x86_64", "-cpu", "Haswell")),
    "aarch64": ("aarch64-linux-gnu-gcc", ("-O3", "-ffp-contract=fast", "-static"), ("qemu-aarch64",)),
}

EMULATED = {"a processor of 2008": [], "a processor of 2013": ["avx2"], "aarch64": ["neon"]}
"""The sets that a processor has which this one only stands for."""


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_set_of_instructions_computes_the_equations(way: str, tmp_path: Path) -> None:
    compiler, options, runner = WAYS[way]
    for needed in (compiler, *runner[:1]):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not here")
    program = tmp_path / "sequences"
    command = [compiler, "-std=c11", *options, f"-I{KERNELS}", str(PROGRAM), "-o", str(program), "-lm", "-pthread"]
    subprocess.run(command, check=True)
    ended = subprocess.run([*runner, str(program)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    here = [path for path in compiled._paths() if path in compiled._SETS]
    assert ended.stdout.split() == EMULATED.get(way, here)
