"""Other files that are the user's, in other places of a run folder; and texts that a run would lose."""

import shutil
from pathlib import Path

import pytest

from tests.runs.test_ownership import RECIPE, everything, train
from understudy.errors import CheckpointError
from understudy.layout import HELD_BACK, SAMPLES
from understudy.runs import checkpoint
from understudy.runs.growing import looks_ours
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.whole_text import sessions

OTHERS_METRICS = b'{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.0}\n'
TWO = ("--use-all-text", "--validation", "0.3")


@pytest.fixture
def place(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a text and a folder of two texts in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(text, "text.txt")
    Path("project/below").mkdir(parents=True)
    shutil.copy(text, "project/a.txt")
    Path("project/below/b.txt").write_text("Another text, below.\n" * 20)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.jsonl", OTHERS_METRICS),
        ("metrics.jsonl", b'{"step": 1, "epoch": 0.5, "train_loss": 2.0}\n'),
        ("samples.txt", b"--- step 1 ---\nof another program\n"),
        ("samples.txt", b""),
    ],
)
@pytest.mark.parametrize("how", [(), ("--overwrite",), TWO])
def test_where_no_run_is_nothing_is_a_runs_whatever_it_looks_like(
    how: tuple[str, ...], name: str, content: bytes, place: Path
) -> None:
    (place / "project" / name).write_bytes(content)
    before = everything(place)
    assert train("text.txt", "--out", "project", *RECIPE, *how) == 2
    assert everything(place) == before


@pytest.mark.parametrize(
    ("name", "content", "ours"),
    [
        ("metrics.jsonl", b'{"step": 12, "epoch": 0.25, "train_loss": 3.5}\n', True),
        ("metrics.jsonl", b'{"step": 12, "setback": "the loss is not finite"}\n', True),
        ("metrics.jsonl", b'{"step": 1', True),
        ("metrics.jsonl", b'{"st', True),
        ("metrics.jsonl", OTHERS_METRICS, False),
        ("metrics.jsonl", b"[1]", False),
        ("samples.txt", b"--- step 12 ---\nOnce upon", True),
        ("samples.txt", b"--- step 12 --", True),
        ("samples.txt", b"--- step by step ---\n", False),
        ("samples.txt", b"Once upon", False),
    ],
)
def test_a_file_is_a_runs_when_it_begins_as_a_run_begins_it_as_far_as_it_goes(
    name: str, content: bytes, ours: bool, tmp_path: Path
) -> None:
    """A disk that filled up in the first line leaves half of it."""
    (tmp_path / name).write_bytes(content)
    assert looks_ours(tmp_path / name) is ours


@pytest.mark.parametrize("how", [(), TWO])
def test_the_first_run_of_two_goes_only_where_that_is_asked_for(
    how: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", f"run/{HELD_BACK}", *RECIPE) == 0
    before = everything(place)
    assert train("text.txt", "--out", "run", *RECIPE, *how) == 2
    assert "run: holds a run already; continue it with --resume, replace it with --overwrite" in capsys.readouterr().err
    assert everything(place) == before
    assert train("text.txt", "--out", "run", *RECIPE, *how, "--overwrite") == 0


@pytest.mark.parametrize("how", ["as it is", "by a link", "by a hard link", "in a folder"])
def test_a_run_is_not_looked_at_with_what_it_would_overwrite(
    how: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("text.txt", "--out", "run", *RECIPE) == 0
    samples = Path("run", SAMPLES).resolve()
    Path("texts").mkdir()
    names = {"as it is": samples, "by a link": Path("link.txt"), "by a hard link": Path("hard.txt")}
    named = names.get(how, Path("texts"))
    if how == "by a link":
        named.symlink_to(samples)
    elif how == "by a hard link":
        named.hardlink_to(samples)
    elif how == "in a folder":
        Path("texts/linked.txt").symlink_to(samples)
    before = everything(place)
    assert train("text.txt", "--validation", named, "--out", "run", "--overwrite", *RECIPE) == 2
    assert "would overwrite this text" in capsys.readouterr().err
    assert everything(place) == before


@pytest.mark.parametrize("how", [(), TWO])
@pytest.mark.parametrize("out", ["project/below", "project/below/.", "link", "project"])
def test_a_run_that_could_not_find_its_texts_again_does_not_begin(
    out: str, how: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies in a run folder is left out of a folder of texts, from the second sitting on."""
    Path("link").symlink_to("project/below")
    lost = "project/below/b.txt"
    if out == "project":
        Path("project/below").rename(f"project/{HELD_BACK}")
        lost = f"project/{HELD_BACK}/b.txt"
    before = everything(place)
    assert train("project", "--out", out, *RECIPE, *how) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{lost}: lies where the run in {Path(out)} is to be kept" in line
    assert everything(place) == before
    if out != "project":
        assert train(lost, "--out", out, *RECIPE) == 0  # named itself, it is found again
        assert train("--out", out, "--resume") == 0


def test_a_run_that_is_copied_with_hard_links_goes_on_in_the_copy_alone(place: Path) -> None:
    """As `cp -al` makes it: the files of both are one file each, until one run goes on."""
    assert train("text.txt", "--out", "run", *RECIPE, "--checkpoint-every", "3") == 0
    Path("run/checkpoint/step-000000000006.safetensors").unlink()
    found, _ = checkpoint.load_latest(Path("run/checkpoint"))
    assert found is not None
    for name, record in found.written.items():
        Path("run", name).write_bytes(Path("run", name).read_bytes()[: record.size])
    shutil.copytree("run", "copy", copy_function=lambda one, other: Path(other).hardlink_to(one))
    before = everything(Path("run"))
    assert train("--out", "copy", "--resume") == 0
    assert everything(Path("run")) == before


def test_the_second_run_learns_the_text_that_the_first_one_learned(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"units": 8, "batch_size": 4, "steps": 6, "evaluate_every": 3, "validation": 0.3}
    request = Request(TextOptions(("text.txt",)), "tiny", settings, Path("run"), whole_text=True)
    text, both = Path("text.txt").read_bytes(), sessions(request)
    first = next(both)
    assert list(first.prepare())
    assert list(first.reports())
    first.close()
    Path("text.txt").write_bytes(text + b"and more")
    second = next(both)
    with pytest.raises(CheckpointError, match="the text is not the one that this run learned from"):
        list(second.prepare())
    assert train("--out", "run", "--resume") == 2
    assert f"--from run/{HELD_BACK} keeps what was learned" in capsys.readouterr().err
    Path("text.txt").write_bytes(text)
    assert train("--out", "run", "--resume") == 0
    assert Path("run/model.safetensors").is_file()


def test_a_model_in_the_box_lies_in_no_run_folder(place: Path) -> None:
    asked = Request(TextOptions(("text.txt",)), "tiny", {}, Path(), whole_text=True, origin=Path("@shakespeare"))
    first = next(sessions(asked))
    assert first.request.asked is not None
    assert first.request.asked.origin == "@shakespeare"


def test_a_checkpoint_under_another_steps_name_is_passed_over(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train("text.txt", "--out", "run", *RECIPE, "--checkpoint-every", "2") == 0
    folder = Path("run/checkpoint")
    shutil.copy(folder / "step-000000000004.safetensors", folder / "step-000000000900.safetensors")
    assert train("--out", "run", "--resume") == 0
    said = capsys.readouterr().out
    assert "step-000000000900.safetensors: was renamed, it is step-000000000004.safetensors" in said
    assert "nothing is left to do: all 6 steps are done" in said


@pytest.mark.parametrize("how", ["a file", "a link to a file", "a broken link"])
def test_what_has_the_name_of_the_first_run_s_folder_stays(how: str, place: Path) -> None:
    Path("out").mkdir()
    taken = Path("out", HELD_BACK)
    if how == "a file":
        taken.write_text("mine")
    else:
        taken.symlink_to(place / "text.txt" if how == "a link to a file" else "nowhere")
    before = everything(Path("out"))
    assert train("text.txt", "--out", "out", *RECIPE, *TWO) == 2
    assert everything(Path("out")) == before
    assert train("text.txt", "--out", "out", *RECIPE) == 0
    assert {path: what for path, what in everything(Path("out")).items() if path in before} == before


def test_a_run_that_a_link_points_to_is_another_run(place: Path) -> None:
    assert train("text.txt", "--out", "precious", *RECIPE) == 0
    before = everything(Path("precious"))
    Path("out").mkdir()
    Path("out", HELD_BACK).symlink_to(place / "precious")
    for how in ((), ("--overwrite",)):
        assert train("text.txt", "--out", "out", *RECIPE, *how) == 0
        assert everything(Path("precious")) == before
