"""The runtime in C writes the ids of the mirror in NumPy, and has its bits after every step, whoever compiles it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.portable.examples import DRAWS, FULL, MODELS, jobs, packed
from tests.portable.javascript import Job
from tests.portable.programs import ORDINARY, TARGETS, Came, build, in_c, in_numpy, in_wasm
from understudy.generation.portable.packing import Packed
from understudy.model.config import ModelConfig

Run = Callable[[Packed, list[Job], Path], list[Came]]


def asked(config: ModelConfig, seeds: int, length: int) -> list[Job]:
    """Streams of every way to draw, side by side."""
    return [job for draw in DRAWS.values() for job in jobs(config, draw, seeds=seeds, length=length)]


@cache
def expected(config: ModelConfig, seeds: int, length: int) -> list[Came]:
    return in_numpy(packed(config), asked(config, seeds, length))


def hold(run: Run, config: ModelConfig, seeds: int, length: int, folder: Path) -> None:
    """Hold what a program gives against the mirror."""
    work = asked(config, seeds, length)
    found = run(packed(config), work, folder)
    for job, came, wanted in zip(work, found, expected(config, seeds, length), strict=True):
        assert (wrong := came.difference(wanted)) is None, f"{config}, {job}: {wrong}"
    if config.vocabulary > 1:
        assert len({came.ids.tobytes() for came in found}) > seeds  # settings and seeds make a difference


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """A target's program, made once."""
    return cache(lambda name: build(TARGETS[name], tmp_path_factory.mktemp("built")))


@pytest.mark.parametrize("name", MODELS)
def test_a_program_writes_as_numpy_does(name: str, built: Callable[[str], list[str]], tmp_path: Path) -> None:
    command = built(ORDINARY)
    hold(lambda *work: in_c(command, *work), MODELS[name], 3, 20, tmp_path)


@pytest.mark.parametrize("name", ["two layers of lstm", "narrow n-grams"])
def test_webassembly_writes_as_numpy_does(name: str, tmp_path: Path) -> None:
    hold(in_wasm, MODELS[name], 3, 20, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_compiler_makes_the_same(
    target: str, name: str, built: Callable[[str], list[str]], tmp_path: Path
) -> None:
    command = built(target)
    hold(lambda *work: in_c(command, *work), MODELS[name], 4, 100, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_webassembly_is_the_same_for_every_kind(name: str, tmp_path: Path) -> None:
    hold(in_wasm, MODELS[name], 4, 100, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("target", [name for name in TARGETS if "-O3" in name and "aarch64" not in name])
def test_models_of_real_size_write_the_same(
    target: str, name: str, built: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """`benchmarks/sameness.py` has the long list."""
    command = built(target)
    hold(lambda *work: in_c(command, *work), FULL[name], 2, 200, tmp_path)
