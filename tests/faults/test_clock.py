"""What the clock on the wall says never matters: runs are the same, and nothing of the user's is taken for old."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.kinds import RESUME, Place, assert_ended_as_undisturbed, standing

ROUNDS = 12
OF_THE_USERS = ("notes.txt", "encoded/important.u8", "encoded/CACHEDIR.TAG.bak", "corpora/book.txt")
KIND = ["lstm in lanes", "gru in chunks, no validation", "whole text"]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", KIND)
def test_a_clock_that_jumps_changes_nothing(
    name: str, place: Place, tmp_path: Path, account: Callable[[str], None]
) -> None:
    expected, seconds = place.undisturbed(name)
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    cache = tmp_path / "cache"
    _lay_users_files(place, cache, tmp_path)
    before = {path: (cache / path).read_bytes() for path in OF_THE_USERS}
    sittings, began = 0, time.perf_counter()
    for _ in range(ROUNDS // len(KIND)):
        folder = place.lay(name, tmp_path / "folder")
        status = None
        while status != 0:
            arguments = RESUME if standing(folder) else place.arguments(name)
            sitting = place.start_as(
                name, folder, arguments, jumps=chance.randrange(1 << 32), save_seconds=0.05, cache=str(cache)
            )
            time.sleep(chance.uniform(0, 2 * seconds))
            sitting.send(signal.SIGTERM)
            status = sitting.wait()
            assert status in (0, 143, -15), sitting.said
            sittings += 1
            assert {path: (cache / path).read_bytes() for path in OF_THE_USERS} == before
        assert_ended_as_undisturbed(folder, expected)
        shutil.rmtree(folder)
    took = time.perf_counter() - began
    account(f"clock: {name}: {sittings} sittings with a clock that jumps (seed {seed}), {took:.0f} seconds")


def _lay_users_files(place: Place, cache: Path, tmp_path: Path) -> None:
    """Files of the user's in the cache, as old as files can be, beside those of a run."""
    first = place.lay("lstm in lanes", tmp_path / "first")
    sitting = place.start("lstm in lanes", first, "--steps", 1, cache=str(cache))
    assert sitting.wait() == 0, sitting.said
    for name in OF_THE_USERS:
        (cache / name).parent.mkdir(exist_ok=True)
        (cache / name).write_bytes(b"what the user keeps")
        os.utime(cache / name, (0, 0))
