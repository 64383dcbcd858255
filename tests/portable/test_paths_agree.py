"""Every path of the compiled engine gives the bits of the plain one, whoever compiles it; NEON's under an emulator."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.portable.programs import RUNTIME, SANITIZED

PROGRAM = Path(__file__).with_name("paths_agree.c")
WAYS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "gcc": ("gcc", ("-O3",), ()),
    "gcc unoptimised": ("gcc", ("-O0",), ()),
    "gcc native": ("gcc", ("-O3", "-march=native"), ()),
    "clang": ("clang", ("-O3",), ()),
    "sanitized": ("clang", SANITIZED, ()),
    "aarch64": ("aarch64-linux-gnu-gcc", ("-O3", "-static"), ("qemu-aarch64",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_path_gives_the_bits_of_the_plain_one(way: str, tmp_path: Path) -> None:
    compiler, options, runner = WAYS[way]
    for needed in (compiler, *runner):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not here")
    program = tmp_path / "paths"
    always = ("-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{RUNTIME}", "-pthread")
    subprocess.run([compiler, *always, *options, str(PROGRAM), "-o", str(program)], check=True)
    ended = subprocess.run([*runner, str(program)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    if runner:
        assert ended.stdout.split() == ["neon"]
    else:
        assert "neon" not in ended.stdout
