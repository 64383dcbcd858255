"""A cache that is read-only, or goes while a run goes on, costs nothing."""

import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.kinds import Place, assert_ended_as_undisturbed

NAMES = ["lstm in lanes", "gru in chunks, no validation", "whole text", "n-grams, Muon, mean of the weights"]
ROUNDS = 5
pytestmark = pytest.mark.slow


@pytest.fixture
def read_only(place: Place) -> Iterator[Callable[[bool], Path]]:
    """A cache on a file system that is read-only, with the text in it or without."""
    folder = Path(tempfile.mkdtemp())
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("cannot mount a file system: only root may")

    def made(filled: bool) -> Path:
        if filled:
            first = place.lay("lstm in lanes", folder / "first")
            assert place.start("lstm in lanes", first, "--steps", 1, cache=str(folder / "cache")).wait() == 0
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        return folder / "cache"

    try:
        yield made
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


@pytest.mark.parametrize("filled", [True, False])
def test_a_read_only_cache_costs_nothing(
    filled: bool,
    place: Place,
    tmp_path: Path,
    read_only: Callable[[bool], Path],
    account: Callable[[str], None],
) -> None:
    cache = str(read_only(filled))
    for name in NAMES:
        folder = place.lay(name, tmp_path / name)
        sitting = place.start(name, folder, cache=cache)
        assert sitting.wait() == 0, sitting.said
        assert sitting.said == ""
        assert_ended_as_undisturbed(folder, place.undisturbed(name).folder)
    account(f"cache: read-only, {'with' if filled else 'without'} the text in it: {len(NAMES)} kinds of run")


@pytest.mark.parametrize("name", NAMES)
def test_a_cache_that_is_removed_while_a_run_goes_on_costs_nothing(
    name: str, place: Place, tmp_path: Path, account: Callable[[str], None]
) -> None:
    expected, seconds = place.undisturbed(name)
    seed = random.SystemRandom().randrange(1 << 32)
    chance, cache = random.Random(seed), tmp_path / "cache"
    for number in range(ROUNDS):
        folder = place.lay(name, tmp_path / str(number))
        sitting = place.start(name, folder, cache=str(cache))
        for _ in range(3):
            time.sleep(chance.uniform(0, 0.4 * seconds))
            shutil.rmtree(cache, ignore_errors=True)
        assert sitting.wait() == 0, sitting.said
        assert_ended_as_undisturbed(folder, expected)
    account(f"cache: {name}: removed three times in each of {ROUNDS} runs (seed {seed})")
