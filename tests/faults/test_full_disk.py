"""Whichever write the disk refuses: nothing that was whole is lost, and with room again the run ends as it was to."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.kinds import (
    KINDS,
    RESUME,
    Place,
    assert_ended_as_undisturbed,
    assert_nothing_lost,
    replaced,
    standing,
)

SHORT = ("--steps", 8, "--evaluate-every", 5)
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("lstm in lanes", True),
        ("lstm in lanes", False),
        ("in place of an old run", True),
        ("in place of an old run", False),
        ("whole text", True),
        ("whole text in place of an old run", True),
    ],
)
def test_a_write_that_is_refused_costs_nothing_that_was_whole(
    name: str, stays: bool, place: Place, tmp_path: Path, account: Callable[[str], None]
) -> None:
    expected = place.undisturbed(name, *SHORT)
    replaces = KINDS[name].begins == "old run"
    first = place.arguments(name, *SHORT, *(["--overwrite"] if replaces else []))
    began = time.perf_counter()
    kinds: dict[str, int] = {}
    ended = number = 0
    while True:
        number += 1
        folder, cache, refusals = place.lay(name, tmp_path / "folder"), tmp_path / "cache", tmp_path / "refused"
        before = standing(folder)
        sitting = place.start_as(name, folder, first, refuses=(number, stays, str(refusals)), cache=str(cache))
        status, refused = sitting.wait(), refusals.read_text().splitlines()
        if not refused:
            assert status == 0, sitting.said
            break
        kinds[refused[0]] = kinds.get(refused[0], 0) + 1
        if status == 0:  # the cache is not needed, nor is the report, which says so
            of_report = {"open"} if sitting.said else set()
            assert not stays or set(refused) == of_report or len(set(refused) - of_report) == 1
            assert sitting.said == "" or _without_report(sitting.said) == []
            ended += 1
        else:
            assert status == 1, sitting.said
            (line,) = _without_report(sitting.said)
            assert line.startswith("understudy: error: cannot ")
            assert "No space left on device" in line
            after = standing(folder)
            begun = replaced(place, folder) if replaces else bool(after)
            if not replaces:
                assert_nothing_lost(before, after)
            again = place.start_as(name, folder, RESUME if begun else first, cache=str(cache))
            assert again.wait() == 0, again.said
        assert_ended_as_undisturbed(folder, expected.folder)
        shutil.rmtree(folder)
        shutil.rmtree(cache, ignore_errors=True)
    told = ", ".join(f"{count} at {what}" for what, count in sorted(kinds.items()))
    account(
        f"full disk: {name}, {'from then on' if stays else 'once'}: {number - 1} writes refused ({told}), "
        f"{ended} of them not needed, {time.perf_counter() - began:.0f} seconds"
    )
    assert number > 30


def _without_report(said: str) -> list[str]:
    """The lines that were said but for the one on a report that was refused."""
    refused = "understudy: note: no report of the run in "
    return [line for line in said.splitlines() if not (line.startswith(refused) and "No space left" in line)]
