"""Resumed equals uninterrupted, whatever the interruption."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reporting.reading import without_times
from tests.runs.helpers import SIZE, STEPS, command, real
from understudy.runs import checkpoint

if TYPE_CHECKING:
    from tests.processes.starting import Launcher

KILLS = 7
"""Over all recipes; `tests/faults` has a thousand, over more kinds of run."""
RECIPES: dict[str, tuple[object, ...]] = {
    "lstm in lanes": ("--cell", "lstm"),
    "lstm in lanes, two layers, dropout": ("--cell", "lstm", "--layers", 2, "--dropout", 0.2),
    "lstm in lanes, Muon, mean of the weights, some lanes afresh": (
        *("--cell", "lstm", "--optimizer", "muon"),
        *("--average", 0.9, "--fresh", 0.3),
    ),
    "lstm in lanes, Muon, mean of the weights, a table of n-grams": (
        *("--cell", "lstm", "--optimizer", "muon"),
        *("--average", 0.9, "--ngrams", 101),
    ),
    "gru in lanes": ("--cell", "gru"),
    "lstm in chunks, two layers": ("--cell", "lstm", "--layers", 2, "--batches", "chunks"),
    "gru in chunks, no validation": ("--cell", "gru", "--batches", "chunks", "--validation", 0),
}


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def figures(run: Path) -> list[dict[str, Any]]:
    """The metrics without what depends on the clock."""
    return [{name: value for name, value in line.items() if "second" not in name} for line in metrics(run)]


def assert_as_undisturbed(run: Path, undisturbed: Path) -> None:
    assert (run / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    steps = [line["step"] for line in metrics(run)]
    assert steps == sorted(set(steps))
    assert figures(run) == figures(undisturbed)
    assert samples(run) == samples(undisturbed)
    if (run / "report.html").exists():  # where the disk refused it, it is not
        assert without_times(run / "report.html") == without_times(undisturbed / "report.html")
    assert [path.name for path in run.rglob("*.partial")] == []


def samples(run: Path) -> bytes:
    path = run / "samples.txt"
    return path.read_bytes() if path.exists() else b""


def checkpoints(run: Path) -> list[Path]:
    return sorted((run / "checkpoint").glob("step-*.safetensors"))


def newest(run: Path) -> int:
    """The step of the newest checkpoint; 0 where there is none."""
    return max((int(path.stem.removeprefix("step-")) for path in checkpoints(run)), default=0)


def past(run: Path, step: int) -> bool:
    """Whether a checkpoint beyond `step` is there."""
    return newest(run) > step


class Undisturbed(dict[str, tuple[Path, float]]):
    """For each recipe the folder of a run that nobody interrupted, and how many seconds it took; run when asked for."""

    def __init__(self, launcher: "Launcher", text: Path, factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self._launcher, self._text, self._factory = launcher, text, factory

    def __missing__(self, name: str) -> tuple[Path, float]:
        folder = self._factory.mktemp("undisturbed")
        began = time.perf_counter()
        sitting = self._launcher.start(folder, *command(self._text, *RECIPES[name]))
        assert sitting.wait() == 0, sitting.stderr.read_text()
        self[name] = folder / "run", time.perf_counter() - began
        return self[name]


@pytest.fixture(scope="module")
def undisturbed(launcher: "Launcher", text: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Runs that nobody interrupted."""
    return Undisturbed(launcher, text, tmp_path_factory)


SOON = ("lstm in lanes, Muon, mean of the weights, a table of n-grams",)
"""What is killed in the ordinary suite; the others in the slow one, and all of them in `tests/faults`."""


@pytest.mark.parametrize(
    "recipe", [name if name in SOON else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES]
)
def test_a_run_killed_at_random_moments_and_resumed_equals_an_undisturbed_one(
    recipe: str, launcher: "Launcher", text: Path, tmp_path: Path, undisturbed: dict[str, tuple[Path, float]]
) -> None:
    expected, seconds = undisturbed[recipe]
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"the moments come from seed {seed}")
    chance = random.Random(seed)
    killed = attempt = 0
    while killed < KILLS / len(RECIPES):
        attempt += 1
        folder = tmp_path / f"attempt {attempt}"
        folder.mkdir()
        status = None
        while status != 0:
            sitting = launcher.start(folder, *command(text, *RECIPES[recipe]), "--resume")
            if killed < KILLS / len(RECIPES):
                time.sleep(chance.uniform(0, 0.5 * seconds))
                sitting.send(signal.SIGKILL)
            status = sitting.wait()
            assert status in (0, -signal.SIGKILL), sitting.stderr.read_text()
            killed += status == -signal.SIGKILL
        assert_as_undisturbed(folder / "run", expected)


@pytest.mark.parametrize(
    "moment",
    [
        *(pytest.param(moment, marks=pytest.mark.slow) for moment in ("before syncing", "after renaming")),
        "half written",
        "before renaming",
    ],
)
def test_a_run_killed_while_it_writes_its_files_equals_an_undisturbed_one(
    moment: str, launcher: "Launcher", text: Path, tmp_path: Path, undisturbed: dict[str, tuple[Path, float]]
) -> None:
    """Each sitting dies at its n-th file: the first checkpoint, a later one, or a model."""
    recipe = "lstm in chunks, two layers"
    deaths = [1, 2, 5, 3, 6]
    for number in deaths:
        sitting = launcher.start(tmp_path, *command(text, *RECIPES[recipe]), "--resume", die_at=(moment, number))
        assert sitting.wait() == -signal.SIGKILL, sitting.stderr.read_text()
        left = list((tmp_path / "run").rglob("*.partial"))
        assert len(left) == (moment != "after renaming")
    sitting = launcher.start(tmp_path, *command(text, *RECIPES[recipe]), "--resume")
    assert sitting.wait() == 0, sitting.stderr.read_text()
    assert "passed over" not in sitting.stdout.read_text()
    assert_as_undisturbed(tmp_path / "run", undisturbed[recipe][0])


def printed_command(stderr: str) -> str:
    """The last line of what an interrupted run says."""
    line = stderr.splitlines()[-1]
    assert line.startswith("  understudy train ")
    assert line.endswith(" --resume")
    return line.strip()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_printed_command_finishes_an_interrupted_run_as_if_nothing_had_happened(
    number: signal.Signals,
    status: int,
    launcher: "Launcher",
    text: Path,
    tmp_path: Path,
    undisturbed: dict[str, tuple[Path, float]],
) -> None:
    recipe = "lstm in lanes"
    process = real(*command(text, *RECIPES[recipe]), folder=tmp_path)
    launcher.until(lambda: past(tmp_path / "run", 0))
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == status, stderr
    assert f"of {STEPS}; the checkpoint is written" in stderr
    found, passed_over = checkpoint.load_latest(tmp_path / "run" / "checkpoint")
    assert found is not None
    assert f"interrupted at step {found.progress.step} of" in stderr
    assert f"It stands at step {found.progress.step:,} of" in (tmp_path / "run" / "report.html").read_text()
    assert 0 < found.progress.step < STEPS
    assert passed_over == []
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    resumed = subprocess.run(
        printed_command(stderr),
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert_as_undisturbed(tmp_path / "run", undisturbed[recipe][0])


def test_signals_between_any_two_steps_leave_a_run_that_equals_an_undisturbed_one(
    launcher: "Launcher", text: Path, tmp_path: Path, undisturbed: dict[str, tuple[Path, float]]
) -> None:
    recipe = "lstm in lanes, two layers, dropout"
    arguments: Sequence[object] = command(text, *RECIPES[recipe])
    for number, status in [(signal.SIGTERM, 143), (signal.SIGINT, 130)]:
        before = newest(tmp_path / "run")
        sitting = launcher.start(tmp_path, *arguments)
        launcher.until(partial(past, tmp_path / "run", before))
        sitting.send(number)
        assert sitting.wait() == status, sitting.stderr.read_text()
        arguments = shlex.split(printed_command(sitting.stderr.read_text()))[1:]
    sitting = launcher.start(tmp_path, *arguments)
    assert sitting.wait() == 0, sitting.stderr.read_text()
    assert_as_undisturbed(tmp_path / "run", undisturbed[recipe][0])


def test_a_finished_run_says_so_and_stays_as_it_is(
    launcher: "Launcher", undisturbed: dict[str, tuple[Path, float]]
) -> None:
    run, _ = undisturbed["lstm in lanes"]
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    sitting = launcher.start(run.parent, "train", "--out", "run", "--resume")
    assert sitting.wait() == 0
    assert "nothing is left to do: all 100 steps are done" in sitting.stdout.read_text()
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_full_disk_leaves_the_last_checkpoint_whole_and_the_run_goes_on_when_there_is_room_again(
    launcher: "Launcher", text: Path, tmp_path: Path, small_disk: Path
) -> None:
    steps = 500
    recipe = ["--preset", "tiny", "--steps", steps, "--checkpoint-every", 7, "--evaluate-every", 300, *SIZE]
    expected = tmp_path / "expected"
    expected.mkdir()
    assert launcher.start(expected, "train", text, "--out", "run", *recipe).wait() == 0

    run = small_disk / "run"
    folder = tmp_path / "folder"
    folder.mkdir()
    sitting = launcher.start(folder, "train", text, "--out", run, *recipe)
    launcher.until(lambda: past(run, 0))
    fill(small_disk / "ballast")
    for resumed in (False, True):
        assert sitting.wait() == 1
        (line,) = sitting.stderr.read_text().splitlines()
        assert line.startswith("understudy: error: cannot write")
        assert "No space left on device" in line
        found, passed_over = checkpoint.load_latest(run / "checkpoint")
        assert found is not None
        assert passed_over == []
        assert 0 < found.progress.step < steps
        if not resumed:
            fill(small_disk / "more ballast")  # what the last sitting gave back
            sitting = launcher.start(folder, "train", "--out", run, "--resume")
    for left in small_disk.glob("*ballast"):
        left.unlink()
    sitting = launcher.start(folder, "train", "--out", run, "--resume")
    assert sitting.wait() == 0, sitting.stderr.read_text()
    assert_as_undisturbed(run, expected / "run")


def fill(path: Path) -> None:
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        for block in (4096, 512, 64, 1):
            try:
                while file.write(bytes(block)):
                    pass
            except OSError:
                continue
