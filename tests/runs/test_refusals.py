"""What resuming refuses, and who may have a folder."""

import signal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runs.helpers import command
from tests.runs.test_resume import metrics, past
from understudy.runs import checkpoint

if TYPE_CHECKING:
    from tests.processes.starting import Launcher


@pytest.fixture(scope="module")
def finished_run(launcher: "Launcher", text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, as the command line leaves it; not to be changed."""
    folder = tmp_path_factory.mktemp("finished run")
    assert launcher.start(folder, *command(text)).wait() == 0
    return folder / "run"


REFUSALS: dict[str, tuple[tuple[object, ...], str]] = {
    "another setting": (("--units", 48), "--units 16, not 48"),
    "another duration": (("--steps", 99), "--steps 100, not 99"),
    "another preset": (("--preset", "tutorial"), "--preset tiny, not tutorial"),
    "another vocabulary": (("--vocabulary", "bytes"), "--vocabulary characters, not bytes"),
    "other newlines": (("--newlines", "lf"), "--newlines keep, not lf"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_resuming_something_else_is_refused_and_names_what_differs(
    what: str, launcher: "Launcher", text: Path, finished_run: Path
) -> None:
    flags, named = REFUSALS[what]
    run = finished_run
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    sitting = launcher.start(run.parent, "train", text, "--out", "run", "--resume", *flags)
    assert sitting.wait() == 2
    (line,) = sitting.stderr.read_text().splitlines()
    assert named in line
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_resuming_with_a_changed_text_is_refused_and_names_both_digests(
    launcher: "Launcher", tmp_path: Path, text: Path
) -> None:
    own = tmp_path / "own.txt"
    own.write_bytes(text.read_bytes())
    assert launcher.start(tmp_path, *command(own, steps=5)).wait() == 0
    old = sha256(own.read_bytes()).hexdigest()
    own.write_text(own.read_text() + "x")
    sitting = launcher.start(tmp_path, "train", "--out", "run", "--resume")
    assert sitting.wait() == 2
    (line,) = sitting.stderr.read_text().splitlines()
    assert old in line
    assert sha256(own.read_bytes()).hexdigest() in line
    own.write_bytes(text.read_bytes())
    assert launcher.start(tmp_path, "train", "--out", "run", "--resume").wait() == 0


def test_a_folder_that_holds_a_run_is_replaced_only_when_that_is_asked_for(
    launcher: "Launcher", tmp_path: Path, text: Path
) -> None:
    assert launcher.start(tmp_path, *command(text, "--seed", 1, steps=5)).wait() == 0
    run = tmp_path / "run"
    first = (run / "model.safetensors").read_bytes()
    sitting = launcher.start(tmp_path, *command(text, steps=5))
    assert sitting.wait() == 2
    (line,) = sitting.stderr.read_text().splitlines()
    assert "holds a run already" in line
    assert (run / "model.safetensors").read_bytes() == first
    assert launcher.start(tmp_path, *command(text, "--overwrite", steps=5)).wait() == 0
    assert (run / "model.safetensors").read_bytes() != first
    assert len(metrics(run)) == 1
    assert launcher.start(tmp_path, *command(text, "--seed", 1, "--overwrite", steps=5)).wait() == 0
    assert (run / "model.safetensors").read_bytes() == first


@pytest.mark.parametrize("how", ["--resume", "--overwrite"])
def test_a_folder_is_held_by_one_process_at_a_time(how: str, launcher: "Launcher", tmp_path: Path, text: Path) -> None:
    first = launcher.start(tmp_path, *command(text, steps=100_000))
    launcher.until(lambda: past(tmp_path / "run", 0))
    other = tmp_path / "run" / ".."  # so that the second process prints elsewhere
    second = launcher.start(other, *command(text, how, steps=100_000))
    assert second.wait() == 2
    (line,) = second.stderr.read_text().splitlines()
    assert "another process is training in this folder" in line
    first.send(signal.SIGTERM)
    assert first.wait() == 143
    found, passed_over = checkpoint.load_latest(tmp_path / "run" / "checkpoint")
    assert found is not None
    assert passed_over == []
