"""A run owns only what it made: a user's files are never touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from understudy.cli.main import main
from understudy.runs.growing import NOTHING, GrowingFile

if TYPE_CHECKING:
    from tests.runs.conftest import Opener

RECIPE = ("--preset", "tiny", "--units", "8", "--batch-size", "4", "--steps", "6", "--evaluate-every", "3", "--quiet")
OWN = "metrics.jsonl", "samples.txt", "model.safetensors", "report.html", ".lock"


def train(*arguments: object) -> int:
    return main(["train", *map(str, arguments)])


def everything(folder: Path) -> dict[str, tuple[str, bytes]]:
    """What lies in a folder: links by what they point to."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[str(path)] = "link", str(path.readlink()).encode()
        else:
            found[str(path)] = ("file", path.read_bytes()) if path.is_file() else ("folder", b"")
    return found


@pytest.fixture
def project(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's with a text in it, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(text, folder / "text.txt")
    return folder


def a_text(path: Path) -> None:
    path.write_text("what the user wrote\n" * 200)


def a_link_to_a_text(path: Path) -> None:
    a_text(path.parent / "elsewhere")
    path.symlink_to("elsewhere")


def a_broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_folder(path: Path) -> None:
    path.mkdir()
    a_text(path / "inside")


def json_of_the_users(path: Path) -> None:
    path.write_text(json.dumps({"accuracy": 0.5}) + "\n")


THINGS = [a_text, a_link_to_a_text, a_broken_link, a_folder, json_of_the_users]


@pytest.mark.parametrize("how", [(), ("--overwrite",), ("--resume",), ("--use-all-text",)])
@pytest.mark.parametrize("thing", THINGS, ids=[thing.__name__ for thing in THINGS])
@pytest.mark.parametrize("name", [*OWN, "checkpoint", "tensorboard"])
def test_what_no_run_made_is_refused_before_anything_is_written(
    name: str,
    thing: Callable[[Path], None],
    how: tuple[str, ...],
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if thing is a_folder and name in ("checkpoint", "tensorboard"):
        pytest.skip("a folder of that name may be the user's; a run adds to it")
    thing(project / name)
    before = everything(project)
    assert train(project / "text.txt", "--out", project, *RECIPE, *how) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(project / name) in line
    assert "move it away, or choose another --out" in line
    assert everything(project) == before


def test_a_text_by_the_name_of_a_runs_file_is_not_lost(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the issue has it: `train project/samples.txt --out project`."""
    text = (project / "text.txt").rename(project / "samples.txt")
    before = text.read_bytes()
    for how in ((), ("--overwrite",), ("--use-all-text",)):
        assert train(text, "--out", project, *RECIPE, *how) == 2
        assert str(text) in capsys.readouterr().err
        assert everything(project) == {str(text): ("file", before)}


def test_a_foreign_model_is_not_replaced(project: Path) -> None:
    save_file({"weight": np.zeros(3, np.float32)}, project / "model.safetensors")
    before = everything(project)
    for how in ((), ("--overwrite",)):
        assert train(project / "text.txt", "--out", project, *RECIPE, *how) == 2
        assert everything(project) == before


def test_a_run_does_not_learn_from_what_it_would_overwrite(
    project: Path, capsys: pytest.CaptureFixture[str], text: Path
) -> None:
    assert train(text, "--out", "run", *RECIPE) == 0
    before = everything(Path("run"))
    assert train("run/samples.txt", "--out", "run", "--overwrite", *RECIPE, "--batch-size", "1") == 2
    assert "would overwrite this text" in capsys.readouterr().err
    assert everything(Path("run")) == before


@pytest.fixture
def run(project: Path, text: Path) -> Path:
    """A run that can go on: its last step is not done."""
    out = project.parent / "run"
    assert train(text, "--out", out, *RECIPE, "--checkpoint-every", "3") == 0
    (out / "checkpoint" / "step-000000000006.safetensors").unlink()
    return out


@pytest.mark.parametrize("name", ["metrics.jsonl", "samples.txt", "report.html"])
@pytest.mark.parametrize("thing", THINGS, ids=[thing.__name__ for thing in THINGS])
@pytest.mark.parametrize("how", ["--resume", pytest.param("--overwrite", marks=pytest.mark.slow)])
def test_a_file_that_took_the_place_of_a_runs_is_neither_cut_nor_removed(
    how: str, thing: Callable[[Path], None], name: str, run: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).unlink()
    thing(run / name)
    before = everything(run)
    arguments = ["--resume"] if how == "--resume" else [text, *RECIPE, how]
    assert train("--out", run, *arguments) == 2
    assert str(run / name) in capsys.readouterr().err
    assert everything(run) == before


def test_a_runs_file_that_was_changed_before_where_it_is_cut_is_the_users(run: Path) -> None:
    metrics = run / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(['{"step": 3, "mine": true}\n', *lines[1:]]))
    before = everything(run)
    assert train("--out", run, "--resume") == 2
    assert everything(run) == before


def test_another_name_of_a_runs_file_keeps_what_the_run_cuts(run: Path) -> None:
    """As a backup that is made of hard links."""
    backup = run.parent / "backup"
    backup.hardlink_to(run / "metrics.jsonl")
    whole = backup.read_bytes()
    assert len(whole.splitlines()) == 2
    assert train("--out", run, "--resume", "--quiet") == 0
    assert backup.read_bytes() == whole


def test_a_growing_file_goes_on_from_where_it_was_and_only_then(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    first = GrowingFile(path)
    first.append('{"step": 1}\n')
    then = first.written()
    first.append('{"step": 2}\n')
    first.close()
    assert then.size == 12
    again = GrowingFile(path, then)
    again.append('{"step": 3}\n')
    assert path.read_text() == '{"step": 1}\n{"step": 3}\n'
    assert again.written().sha256 != then.sha256
    again.close()
    GrowingFile(path, NOTHING).close()
    assert path.read_text() == ""


def test_what_lies_beside_a_run_stays(run: Path, text: Path) -> None:
    others = {
        run / "notes.txt": "mine",
        run / "checkpoint" / "step-1.safetensors": "not a run's: its number has too few digits",
        run / "checkpoint" / "notes.md": "mine too",
        run / ".notes.txt.12-0123abcd.partial": "named as a run's partial files are, but not after one of its files",
        run / "tensorboard" / "events.out.tfevents.1.mine": "another program's",
        run / "held-back" / "model.safetensors": "not a model of Understudy's",
    }
    for path, content in others.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert train(text, "--out", run, "--overwrite", *RECIPE) == 0
    assert {path: path.read_text() for path in others} == others


def test_with_the_first_run_of_two_goes_what_it_made(project: Path, text: Path) -> None:
    assert train(text, "--out", "run", *RECIPE, "--use-all-text", "--validation", "0.3") == 0
    assert (Path("run") / "held-back" / "model.safetensors").is_file()
    assert train(text, "--out", "run", *RECIPE, "--overwrite") == 0
    left = [path.name for path in (Path("run") / "held-back").rglob("*") if path.is_file()]
    assert set(left) <= {".lock"}


def test_a_run_beside_its_texts_goes_on_with_the_same_texts(
    project: Path, text: Path, capsys: pytest.CaptureFixture[str], opened: "Opener"
) -> None:
    """`train .` with its run in the same folder, and one in a folder below: neither learns what runs wrote."""
    loud: tuple[Any, ...] = RECIPE[:-1]
    length = len((project / "text.txt").read_text())
    assert train(project, "--out", project / "one", *loud) == 0
    assert f"text: text, {length:,} characters" in capsys.readouterr().out
    assert train(project, "--out", project / "two", *loud, "--checkpoint-every", "3") == 0
    said = capsys.readouterr().out
    assert f"text: text, {length:,} characters" in said
    assert "left out" in said
    assert str(project / "one") in said
    (project / "two" / "checkpoint" / "step-000000000006.safetensors").unlink()
    assert train("--out", project / "two", "--resume", *loud) == 0
    assert train(project, "--out", project, *loud, "--use-all-text", "--validation", "0.3") == 0
    assert f"{length:,} to learn from, 0 held back" in capsys.readouterr().out
    assert train(project, "--out", project, "--resume") == 0
