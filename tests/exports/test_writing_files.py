"""An export goes out whole or not at all, and takes the place of nothing that it was not told to replace."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.exports.models import example
from tests.extras import needs_onnx
from understudy.api import Model, load
from understudy.errors import ConfigError, StorageError
from understudy.exports import formats, writing
from understudy.exports.contract import Export
from understudy.exports.formats import Format
from understudy.model.file import read
from understudy.storage import replacing

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def two_files(model: object, name: str, **options: Any) -> Export:
    """A format of the tests'."""
    return Export({name: b"first", f"{name}.more": b"second"}, {"weights": 0, "state": 0}, f"none {options}")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"toy": Format(".toy", "for tests", two_files, ("loud",)), "mute": Format(".mute", "for tests", two_files)}
    monkeypatch.setattr(writing, "FORMATS", table)


@needs_onnx
def test_an_export_is_no_stream_and_takes_nothing_of_a_run_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = read("@shakespeare")
    with pytest.raises(ConfigError, match="standard output"):
        writing.export(model, "c", "-")
    (tmp_path / "run").mkdir()
    for name in ("model.safetensors", "metrics.jsonl", "samples.txt", "report.html"):
        (tmp_path / "run" / name).write_text("a run's")
    for name in ("metrics.jsonl", "samples.txt", "report.html"):
        with pytest.raises(ConfigError, match="belongs to the run"):
            writing.export(model, "html", tmp_path / "run" / name, overwrite=True)
        assert (tmp_path / "run" / name).read_text() == "a run's"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_model_exports_itself(folder: Path) -> None:
    made = Model(example()).export("onnx", "out/model.onnx")
    assert {path: path.stat().st_size for path in made.files} == made.files
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["model.onnx", "model.onnx.json"]


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(folder: Path, toy: None) -> None:
    for name in ("a.toy", "a.toy.more"):
        Path(name).write_text("mine")
        with pytest.raises(ConfigError, match=f"{name}: is there already; replace it with --overwrite"):
            Model(example()).export("toy", "a.toy")
        assert {path.name: path.read_text() for path in folder.iterdir()} == {name: "mine"}
        Model(example()).export("toy", Path("a.toy"), overwrite=True)
        assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.toy": "first", "a.toy.more": "second"}
        for path in folder.iterdir():
            path.unlink()


@pytest.mark.parametrize("name", ["a.toy", "a.toy.more"])
def test_no_export_replaces_a_model(folder: Path, toy: None, name: str) -> None:
    example().write(Path(name))
    before = Path(name).read_bytes()
    with pytest.raises(ConfigError, match=f"{name}: holds a model or a checkpoint, which this never replaces"):
        load(name).export("toy", "a.toy", overwrite=True)
    assert [path.name for path in folder.iterdir()] == [name]
    assert Path(name).read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name")
def test_what_is_no_plain_file_is_not_replaced(folder: Path, toy: None) -> None:
    os.mkfifo("a.toy")
    with pytest.raises(ConfigError, match="is no plain file"):
        Model(example()).export("toy", "a.toy", overwrite=True)
    assert stat.S_ISFIFO(Path("a.toy").stat().st_mode)


@pytest.mark.parametrize("name", [".", "there", "/", "nowhere/.."])
def test_a_folder_is_refused_with_a_name_to_give(folder: Path, name: str) -> None:
    Path("there").mkdir()
    with pytest.raises(ConfigError, match=r"a folder; name a file in it, .*model\.onnx say"):
        Model(example()).export("onnx", name)


def test_a_link_gives_way_and_what_it_points_to_stays(folder: Path, toy: None) -> None:
    example().write(Path("model"))
    before = Path("model").read_bytes()
    Path("a.toy").symlink_to("model")
    Model(example()).export("toy", "a.toy", overwrite=True)
    assert Path("model").read_bytes() == before
    assert Path("a.toy").read_bytes() == b"first"
    assert not Path("a.toy").is_symlink()


def test_where_the_disk_refuses_one_file_none_is_there(
    folder: Path, toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.toy").write_text("mine")

    def full(path: Path) -> Any:
        if path.name == "a.toy.more":
            raise StorageError("the disk is full")
        return replacing(path)

    monkeypatch.setattr("understudy.exports.writing.replacing", full)
    with pytest.raises(StorageError, match="the disk is full"):
        Model(example()).export("toy", "a.toy", overwrite=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.toy": "mine"}


@pytest.mark.parametrize("sizes", [(200_000, 200_000), (4_000, 64 * 4096)], ids=["the second", "the first"])
def test_a_disk_that_is_full_leaves_nothing(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    def large(model: object, name: str) -> Export:
        files = {name: bytes(sizes[0]), f"{name}.more": bytes(sizes[1])}
        return Export(files, {"weights": 0, "state": 0}, "none")

    monkeypatch.setattr(writing, "FORMATS", {"large": Format(".large", "for tests", large)})
    with pytest.raises(StorageError, match=r"a\.large.*: No space left"):
        Model(example()).export("large", small_disk / "a.large")
    assert list(small_disk.iterdir()) == []


def test_options_that_a_format_does_not_take_are_refused(folder: Path, toy: None) -> None:
    model = Model(example())
    with pytest.raises(ConfigError, match=r"^--loud: no option of --to mute; it is for --to toy$"):
        model.export("mute", "a.mute", loud=True)
    with pytest.raises(ConfigError, match=r"^--very-odd: no option of --to toy; --to toy takes --loud$"):
        model.export("toy", "a.toy", very_odd=1)
    with pytest.raises(ConfigError, match=r"^--to nonsense: expected one of toy, mute$"):
        model.export("nonsense", "a")
    assert model.export("mute", "a.mute", loud=False).promise == "none {}"
    assert model.export("toy", "a.toy", loud=3).promise == "none {'loud': 3}"


@pytest.mark.parametrize(("given", "said"), [({"path": 3}, "--out 3"), ({"overwrite": "no"}, "--overwrite 'no'")])
def test_what_a_program_gives_is_checked(folder: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Model(example()).export(**{"to": "onnx", "path": "a.onnx", **given})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("@shakespeare", "shakespeare.onnx"),
        ("runs/poems", "poems.onnx"),
        ("runs/poems/", "poems.onnx"),
        ("runs/poems/model.safetensors", "poems.onnx"),
        ("elsewhere/best.safetensors", "best.onnx"),
        ("elsewhere/v1.5", "v1.5.onnx"),
        ("model.safetensors", "here.onnx"),
        (".", "here.onnx"),
        ("..", "above.onnx"),
        ("/", "model.onnx"),
        ("./@odd", "@odd.onnx"),
    ],
)
def test_a_file_is_named_after_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, name: str
) -> None:
    (tmp_path / "above" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "above" / "here")
    assert writing.default_path(model, "onnx") == Path(name)


def test_every_format_is_told_of_in_the_documentation() -> None:
    told = (ROOT / "docs" / "export.md").read_text(encoding="utf-8").splitlines()
    for name in formats.FORMATS:
        assert [line for line in told if line.startswith("## ") and f"`--to {name}`" in line], name


def test_a_name_that_no_disk_takes_is_one_line(folder: Path, toy: None) -> None:
    with pytest.raises(StorageError, match="File name too long"):
        Model(example()).export("toy", "a" * 300)
