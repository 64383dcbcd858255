"""Two processes that want one folder: one trains, the other says so in one line, and what is there is whole."""

import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.faults.kinds import RESUME, Place, assert_ended_as_undisturbed, files_of
from tests.runs.test_resume import assert_as_undisturbed

ROUNDS = 15
APART_SECONDS = 0.1
PLAIN = "lstm in lanes"
SHORT = ("--steps", 25)
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("how", ["the same", "resume", "overwrite", "whole text, overwrite", "without out"])
def test_of_two_processes_one_trains_in_a_folder(
    how: str, place: Place, tmp_path: Path, account: Callable[[str], None]
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance, began = random.Random(seed), time.perf_counter()
    refused = 0
    for _ in range(ROUNDS):
        folder, kind, expected, arguments = _laid(how, place, tmp_path / "folder")
        sittings = []
        for name in ("one", "other"):
            sittings.append(place.start_as(kind, folder, arguments, called=name))
            time.sleep(chance.uniform(0, APART_SECONDS))
        statuses = [sitting.wait() for sitting in sittings]
        assert 0 in statuses, [sitting.said for sitting in sittings]
        for sitting, status in zip(sittings, statuses, strict=True):
            if status:
                assert status == 2, sitting.said
                (line,) = sitting.said.splitlines()
                assert "another process is training in this folder" in line or "holds a run already" in line
                refused += 1
        if how == "without out":
            assert statuses == [0, 0]
            runs = sorted((folder / "runs").iterdir())
            assert len(runs) == 2
            for run in runs:
                assert_as_undisturbed(run, expected / "run")
        else:
            assert_ended_as_undisturbed(folder, expected)
        shutil.rmtree(folder)
    took = time.perf_counter() - began
    account(f"two processes: {how}: {ROUNDS} rounds (seed {seed}), {refused} were refused, {took:.0f} seconds")
    assert refused or how in ("without out", "resume")


def _laid(how: str, place: Place, folder: Path) -> tuple[Path, str, Path, Sequence[object]]:
    """A folder, the kind of run in it, what is to come of it, and the command line."""
    if how == "resume":
        return place.lay("resumed", folder), "resumed", place.undisturbed("resumed").folder, RESUME
    kind = {"overwrite": "in place of an old run", "whole text, overwrite": "whole text in place of an old run"}.get(
        how, PLAIN
    )
    arguments = place.arguments(kind, *SHORT, *(["--overwrite"] if kind != PLAIN else []))
    if how == "without out":
        at = arguments.index("--out")
        del arguments[at : at + 2]
    return place.lay(kind, folder), kind, place.undisturbed(kind, *SHORT).folder, arguments


def test_an_old_run_that_is_refused_to_both_stays(place: Place, tmp_path: Path) -> None:
    folder = place.lay("in place of an old run", tmp_path / "folder")
    sittings = [place.start("in place of an old run", folder, called=name) for name in ("one", "other")]
    assert [sitting.wait() for sitting in sittings] == [2, 2]
    assert files_of(folder / "run") == place.old_files()
