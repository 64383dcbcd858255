"""Runs that begin from the model in the package where their text gains by it, and from nothing where it does not."""

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runs.conftest import some_text
from understudy.api import load
from understudy.cli.main import main
from understudy.layout import HELD_BACK
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.runs.checkpoint import load_latest
from understudy.storage import sha256_of

SHORT = ("--batch-size", "4", "--sequence-length", "16", "--steps", "6", "--evaluate-every", "3")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with a base that has learned sentences of invented words, in a minute's hundredth."""
    place = tmp_path_factory.mktemp("box")
    text = place / "text.txt"
    text.write_text(some_text(60_000) + "~" * 50, encoding="utf-8")
    shape = ("--units", "32", "--embedding", "16", "--batch-size", "16", "--sequence-length", "32", "--ngrams", "0")
    run = str(place / "run")
    assert main(["train", str(text), "--preset", "auto", *shape, "--steps", "120", "--out", run, "--quiet"]) == 0
    file.read(run).write(place / "base.safetensors", half=True)
    shutil.rmtree(run)
    text.unlink()
    return place


@pytest.fixture
def place(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder where `@base` is the small one, with a text that it knows the words of."""
    monkeypatch.setattr(file, "BOX", box)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(some_text(70_000)[62_000:] + "é", encoding="utf-8")
    return tmp_path


def train(*arguments: object) -> int:
    return main(["train", *map(str, arguments)])


def origin(run: str) -> object:
    return file.read(run).training["origin"]


def same(one: ModelFile, other: ModelFile) -> bool:
    return all(np.array_equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())


def test_a_text_that_the_base_knows_the_words_of_begins_from_it_and_says_so(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", *SHORT) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "@base" in line)
    assert line.startswith("from @base")
    assert "--from none" in line
    told = origin("run")
    assert told == {"name": "text", "steps": 120, "sha256": sha256_of(file.find("@base")), "model": "@base"}
    assert main(["info", "run"]) == 0
    assert "began from   @base" in capsys.readouterr().out


def test_what_the_base_has_and_the_text_lacks_is_never_written(place: Path) -> None:
    assert train("text.txt", "--out", "run", *SHORT) == 0
    symbols = set((place / "text.txt").read_text(encoding="utf-8"))
    assert "~" in file.read("@base").vocabulary.characters
    assert set(file.read("run").vocabulary.characters) == symbols
    assert train("text.txt", "--out", "named", "--from", "@base", *SHORT) == 0
    assert same(file.read("named"), file.read("run")), "the base by its name is the same beginning"


@pytest.mark.parametrize("kind", ["digits", "another script", "bytes", "shape", "another preset", "named none"])
def test_what_does_not_gain_begins_from_nothing(kind: str, place: Path) -> None:
    chance, text = random.Random(1), "text.txt"
    if kind in ("digits", "another script"):
        letters = "0123456789" if kind == "digits" else "カキクケコサシスセソ"
        text = "other.txt"
        Path(text).write_text("".join(chance.choices(letters, k=6_000)), encoding="utf-8")
    flags: dict[str, tuple[object, ...]] = {
        "bytes": ("--vocabulary", "bytes"),
        "shape": ("--units", 24),
        "another preset": ("--preset", "tiny"),
        "named none": ("--from", "none"),
    }
    assert train(text, "--out", "run", *SHORT, *flags.get(kind, ())) == 0
    assert origin("run") is None
    assert (file.read("run").config.units == 24) == (kind == "shape")


def test_a_model_in_a_file_called_none_is_named_by_its_place(place: Path) -> None:
    assert train("text.txt", "--out", "none", *SHORT) == 0
    assert train("text.txt", "--out", "run", "--from", "./none", *SHORT) == 0
    assert origin("run") == {
        "name": "text",
        "steps": file.read("./none").training["steps"],
        "sha256": sha256_of(file.find("./none")),
    }


def test_both_runs_on_all_the_text_begin_from_it_and_resuming_gives_the_same(place: Path) -> None:
    assert train("text.txt", "--out", "run", "--use-all-text", *SHORT) == 0
    assert origin("run") == origin(f"run/{HELD_BACK}")
    assert isinstance(origin("run"), dict)
    shutil.copytree("run", "stopped")
    for path in Path("stopped").glob("*"):
        if path.name != HELD_BACK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert train("--out", "stopped", "--resume") == 0
    assert file.find("stopped").read_bytes() == file.find("run").read_bytes()


def test_a_run_goes_on_where_the_base_is_missing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train("text.txt", "--out", "run", *SHORT, "--checkpoint-every", "2", "--keep", "9") == 0
    whole = file.find("run").read_bytes()
    for path in sorted(Path("run/checkpoint").iterdir())[2:]:
        path.unlink()
    assert load_latest(Path("run/checkpoint"))[0] is not None
    monkeypatch.setattr(file, "BOX", place / "empty")
    assert train("--out", "run", "--resume") == 0
    assert file.find("run").read_bytes() == whole


def test_a_second_run_names_the_base_that_it_lacks_in_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", "--use-all-text", *SHORT) == 0
    for path in Path("run").glob("*"):
        if path.name != HELD_BACK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    digest = sha256_of(file.find("@base"))
    empty, other = place / "empty", place / "other"
    empty.mkdir()
    other.mkdir()
    model = file.read("@base")
    model.write(other / "base.safetensors")  # the same weights, in another file
    for box in (empty, other):
        monkeypatch.setattr(file, "BOX", box)
        capsys.readouterr()
        assert train("--out", "run", "--resume") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "@base" in line
        assert digest in line
        assert "install" in line


def test_without_a_base_a_run_begins_from_nothing_and_says_why(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(file, "BOX", place / "empty")
    assert train("text.txt", "--out", "run", *SHORT) == 0
    assert origin("run") is None
    assert "from nothing: @base is missing in this installation" in capsys.readouterr().out


def test_the_library_begins_as_the_command_does(place: Path) -> None:
    import understudy

    settings: dict[str, Any] = {"batch_size": 4, "sequence_length": 16, "steps": 6, "evaluate_every": 3}
    assert train("text.txt", "--out", "command", *SHORT) == 0
    understudy.train("text.txt", out="library", **settings)
    understudy.train("text.txt", out="nothing", start_from="none", units=24, **settings)
    assert same(file.read("library"), file.read("command"))
    assert origin("nothing") is None
    assert load("library").generate(length=20, seed=1) == load("command").generate(length=20, seed=1)
