"""A run that is killed at any moment, or told to end, and resumed until it ends, equals one that nobody disturbed."""

import random
import shlex
import shutil
import signal
import time
from collections.abc import Callable, Sequence
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
from understudy.runs.checkpoint import Checkpoint

KILLS = 1000
SIGNALS = 150
BY_TIME = 0.02
ENDING = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
Account = Callable[[str], None]
pytestmark = pytest.mark.slow


def moments(account: Account, what: str, name: str) -> random.Random:
    """Chance, from a seed that is told."""
    seed = random.SystemRandom().randrange(1 << 32)
    account(f"{what}: {name}: the moments come from seed {seed}")
    return random.Random(seed)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.begins != "old run"])
def test_a_run_that_is_killed_at_any_moments_equals_an_undisturbed_one(
    name: str, place: Place, tmp_path: Path, account: Account
) -> None:
    expected, seconds = place.undisturbed(name)
    chance = moments(account, "kills", name)
    killed = runs = sittings = 0
    began = time.perf_counter()
    while killed < KILLS / len(KINDS):
        folder = place.lay(name, tmp_path / "folder")
        status, before = None, standing(folder)
        while status != 0:
            save_seconds = chance.choice([None, BY_TIME])
            sitting = place.start_as(name, folder, _again(name, place, before), save_seconds=save_seconds)
            if killed < KILLS / len(KINDS):
                time.sleep(chance.uniform(0, 0.5 * seconds))
                sitting.send(signal.SIGKILL)
            status = sitting.wait()
            assert status in (0, -signal.SIGKILL), sitting.said
            killed += status == -signal.SIGKILL
            sittings += 1
            after = standing(folder)
            assert_nothing_lost(before, after)
            before = after
        assert_ended_as_undisturbed(folder, expected)
        shutil.rmtree(folder)
        runs += 1
    took = time.perf_counter() - began
    account(f"kills: {name}: {killed} kills, {sittings} sittings of {runs} runs, {took:.0f} seconds")


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.begins == "old run"])
def test_after_a_kill_either_the_old_run_is_whole_or_the_new_one_goes_on(
    name: str, place: Place, tmp_path: Path, account: Account
) -> None:
    expected, seconds = place.undisturbed(name)
    chance = moments(account, "kills", name)
    killed = old = new = 0
    began = time.perf_counter()
    while killed < KILLS / len(KINDS):
        folder = place.lay(name, tmp_path / "folder")
        status = None
        while status != 0:
            anew = replaced(place, folder)
            sitting = place.start(name, folder, "--resume" if anew else "--overwrite", save_seconds=BY_TIME)
            if killed < KILLS / len(KINDS) and (not anew or chance.random() < 0.5):
                time.sleep(chance.uniform(0, (0.5 if anew else 0.3) * seconds))
                sitting.send(signal.SIGKILL)
            status = sitting.wait()
            assert status in (0, -signal.SIGKILL), sitting.said
            if status:
                killed += 1
                anew = replaced(place, folder)
                old, new = old + (not anew), new + anew
        assert_ended_as_undisturbed(folder, expected)
        shutil.rmtree(folder)
    took = time.perf_counter() - began
    account(f"kills: {name}: {killed} kills, after {old} the old run was whole, after {new} the new one; {took:.0f} s")


@pytest.mark.parametrize("name", KINDS)
def test_whenever_a_run_is_told_to_end_the_printed_command_finishes_it(
    name: str, place: Place, tmp_path: Path, account: Account
) -> None:
    replaces = KINDS[name].begins == "old run"
    expected, seconds = place.undisturbed(name)
    chance = moments(account, "signals", name)
    told = kept = runs = 0
    began = time.perf_counter()
    first = place.arguments(
        name, *{"old run": ["--overwrite"], "interrupted": ["--resume"]}.get(KINDS[name].begins, [])
    )
    while told < SIGNALS / len(KINDS):
        folder = place.lay(name, tmp_path / "folder")
        arguments: Sequence[object] = first
        status, before = None, standing(folder)
        while status != 0:
            sitting = place.start_as(name, folder, arguments, save_seconds=chance.choice([None, BY_TIME]))
            number = chance.choice(list(ENDING))
            if told < SIGNALS / len(KINDS):
                time.sleep(chance.uniform(0, 0.7 * seconds))
                sitting.send(number)
                told += 1
            status = sitting.wait()
            assert status in (0, ENDING[number], -number), sitting.said
            assert "Traceback" not in sitting.said
            after = standing(folder)
            if "go on" in sitting.said or "interrupted at step" in sitting.said:
                arguments = _printed(sitting.said)
                kept += 1
            elif status and arguments is first and _finished(after) and (not replaces or replaced(place, folder)):
                arguments = RESUME
            if arguments is not first:
                assert not replaces or replaced(place, folder) or status == 0
            if not replaces:
                assert_nothing_lost(before, after)
            before = after
        assert_ended_as_undisturbed(folder, expected)
        shutil.rmtree(folder)
        runs += 1
    took = time.perf_counter() - began
    account(f"signals: {name}: {told} signals, {kept} commands followed, {runs} runs, {took:.0f} seconds")


def _again(name: str, place: Place, found: dict[str, Checkpoint]) -> Sequence[object]:
    """The command line that begins a run or goes on with it: often the same, with `--resume`."""
    if "--from" not in KINDS[name].recipe:
        return place.arguments(name, "--resume")
    return RESUME if found else place.arguments(name)


def _printed(said: str) -> Sequence[object]:
    """The command line that an interrupted run tells to go on with."""
    *_, line = said.splitlines()
    assert line.startswith("  understudy train ")
    assert line.endswith(" --resume")
    return shlex.split(line)[1:]


def _finished(found: dict[str, Checkpoint]) -> bool:
    newest = found.get("run")
    return newest is not None and newest.progress.step >= newest.facts.schedule.steps
