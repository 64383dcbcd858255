"""The old run goes when the new one's first checkpoint is whole; a folder is taken when it is chosen."""

import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runs.test_ownership import RECIPE, everything, train
from tests.runs.test_resume import past
from understudy.errors import ConfigError
from understudy.layout import BEGUN
from understudy.model import file
from understudy.runs import checkpoint
from understudy.runs.folder import RunFolder

if TYPE_CHECKING:
    from tests.processes.starting import Launcher

OLD, NEW = ("--seed", "1"), ("--seed", "2")


@pytest.fixture
def old(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, in the working folder."""
    monkeypatch.chdir(tmp_path)
    assert train(text, "--out", "old", *RECIPE, *OLD) == 0
    return tmp_path / "old"


REFUSED: dict[str, tuple[str, ...]] = {
    "a setting out of range": ("--units", "0"),
    "an unknown preset": ("--preset", "huge"),
    "no such model to start from": ("--from", "nowhere"),
    "another shape than the model's to start from": ("--from", "old", "--units", "9"),
    "no such validation file": ("--validation", "nowhere.txt"),
    "too much text for a batch": ("--batch-size", "60000"),
    "an unknown encoding": ("--encoding", "klingon"),
    "an encoding that does not fit": ("--encoding", "utf-16"),
    "no part to hold back": ("--use-all-text", "--validation", "0"),
    "no GPU": ("--device", "cuda"),
}


@pytest.mark.parametrize("out", ["old", "new/below", pytest.param("new", marks=pytest.mark.slow)])
@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_command_changes_nothing_and_leaves_no_folder(
    what: str, out: str, old: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(old.parent)
    assert train(text, "--out", out, *RECIPE, "--overwrite", *REFUSED[what]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert everything(old.parent) == before


def test_without_tensorboard_the_old_run_stays(
    old: Path, text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    before = everything(old.parent)
    for out in ("old", "new"):
        assert train(text, "--out", out, *RECIPE, "--overwrite", "--tensorboard") == 2
        assert "tensorboard is not installed" in capsys.readouterr().err
    assert train("--out", "old", "--resume", "--tensorboard") == 2
    assert everything(old.parent) == before


@pytest.mark.parametrize("how", [(), pytest.param(("--use-all-text", "--validation", "0.3"), marks=pytest.mark.slow)])
@pytest.mark.parametrize("moment", ["before syncing", "half written", "before renaming"])
def test_a_process_that_dies_before_its_first_checkpoint_is_whole_leaves_the_old_run(
    moment: str, how: tuple[str, ...], old: Path, text: Path, launcher: "Launcher"
) -> None:
    before = {path: content for path, content in everything(old).items() if "partial" not in path}
    sitting = launcher.start(
        old.parent, "train", text, "--out", "old", *RECIPE, *NEW, "--overwrite", *how, die_at=(moment, 1)
    )
    assert sitting.wait() == -signal.SIGKILL
    after = everything(old)
    assert {path: after[path] for path in before} == before
    assert train("--out", "old", "--resume", "--quiet") == 0
    assert file.read(old).training["recipe"]["seed"] == 1


@pytest.mark.parametrize("how", [(), pytest.param(("--use-all-text", "--validation", "0.3"), marks=pytest.mark.slow)])
@pytest.mark.parametrize("moment", ["after renaming", "before taking its place", "after taking its place"])
def test_a_process_that_dies_while_the_old_run_goes_leaves_the_new_one(
    moment: str, how: tuple[str, ...], old: Path, text: Path, launcher: "Launcher"
) -> None:
    recipe = [text, *RECIPE, *NEW, *how]
    assert train("--out", "undisturbed", *recipe) == 0
    sitting = launcher.start(old.parent, "train", "--out", "old", "--overwrite", *recipe, die_at=(moment, 1))
    assert sitting.wait() == -signal.SIGKILL
    assert train("--out", "old", "--resume", "--quiet") == 0
    assert list(old.rglob(BEGUN)) == []
    assert (old / "model.safetensors").read_bytes() == Path("undisturbed/model.safetensors").read_bytes()
    assert len((old / "metrics.jsonl").read_text().splitlines()) == len(
        Path("undisturbed/metrics.jsonl").read_text().splitlines()
    )


def test_a_run_that_only_began_to_replace_another_is_the_one_whose_text_is_told(old: Path, text: Path) -> None:
    shutil.copytree(old, "other")
    assert train(text, "--out", "new", *RECIPE, "--seed", "7", "--steps", "1") == 0
    first = checkpoint.load(Path("new/checkpoint/step-000000000000.safetensors"))
    shutil.copy("new/checkpoint/step-000000000000.safetensors", Path("other/checkpoint") / BEGUN)
    found, passed_over = checkpoint.load_latest(Path("other/checkpoint"))
    assert found is not None
    assert found.facts == first.facts
    assert passed_over == []


def test_a_full_disk_at_the_first_checkpoint_leaves_the_old_run_or_no_folder(
    text: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(text, "--out", small_disk / "old", *RECIPE) == 0
    (small_disk / "ballast").write_bytes(bytes(100 << 10))
    before = everything(small_disk)
    for out in ("old", "new", "new/below"):
        assert train(text, "--out", small_disk / out, *RECIPE, "--overwrite", "--units", "100") == 1
        assert "No space left on device" in capsys.readouterr().err
        assert everything(small_disk) == before


def test_runs_that_begin_at_one_time_get_a_folder_each(launcher: "Launcher", text: Path, tmp_path: Path) -> None:
    places = [tmp_path / f"{number}" for number in range(4)]
    for place in places:
        place.mkdir()
        (place / "runs").symlink_to(tmp_path / "runs")
    (tmp_path / "runs").mkdir()
    sittings = [launcher.start(place, "train", text, *RECIPE[:-1]) for place in places]
    assert [sitting.wait() for sitting in sittings] == [0] * 4
    runs = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert runs == ["text", "text-2", "text-3", "text-4"]
    assert all((tmp_path / "runs" / run / "model.safetensors").is_file() for run in runs)


def test_a_free_name_is_a_new_folder_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    taken = []
    for _ in range(3):
        folder = RunFolder(Path("runs"))
        folder.hold_free("book")
        taken.append(folder)
    assert [folder.whole for folder in taken] == [Path("runs/book"), Path("runs/book-2"), Path("runs/book-3")]
    for folder in reversed(taken):
        folder.close()
    assert list(tmp_path.iterdir()) == [], "folders of runs that never began go"
    Path("runs").write_text("a file")
    with pytest.raises(ConfigError, match="--out"):
        RunFolder(Path("runs")).hold_free("book")


@pytest.mark.parametrize("how", [("--overwrite",), ("--use-all-text", "--overwrite"), ("--resume",)])
@pytest.mark.parametrize("first", [(), ("--use-all-text", "--validation", "0.3")])
def test_nothing_of_a_run_that_another_process_holds_is_touched(
    first: tuple[str, ...], how: tuple[str, ...], launcher: "Launcher", text: Path, tmp_path: Path
) -> None:
    holder = launcher.start(tmp_path, "train", text, "--out", "run", *RECIPE, "--steps", 100_000, *first)
    held = tmp_path / "run" / ("held-back" if first else "")
    launcher.until(lambda: (held / "checkpoint" / "step-000000000000.safetensors").exists())
    (tmp_path / "other").mkdir()
    second = launcher.start(tmp_path / "other", "train", text, "--out", tmp_path / "run", *RECIPE, *how)
    assert second.wait() == 2
    (line,) = second.stderr.read_text().splitlines()
    assert "another process is training in this folder" in line
    assert (held / "checkpoint" / "step-000000000000.safetensors").exists()
    holder.send(signal.SIGTERM)
    assert holder.wait() == 143
    assert past(held, 0)
