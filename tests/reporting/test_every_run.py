"""Every kind of run leaves a report, which says what the run's other files say."""

import html
import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.reading import Report, assert_alone, without_times
from tests.runs.conftest import SMALL as SETTINGS
from tests.runs.conftest import some_text
from tests.runs.test_setbacks import Poison
from understudy.api import load, train
from understudy.cli.main import main
from understudy.errors import DivergedError
from understudy.layout import HELD_BACK, METRICS, REPORT
from understudy.model import file
from understudy.reporting import writing
from understudy.runs.material import TextOptions
from understudy.runs.request import NOTHING, Request
from understudy.runs.session import Session
from understudy.runs.whole_text import sessions
from understudy.seeing import copies
from understudy.seeing.visible import visible
from understudy.text.encoded import Ids
from understudy.text.grams import Grams

SIZE = ("--units", "12", "--embedding", "8", "--batch-size", "4", "--sequence-length", "16", "--precision", "float32")
LOOKS = ("--steps", "40", "--evaluate-every", "8", "--validation", "0.1")
KINDS: dict[str, tuple[str, ...]] = {
    "auto": ("--from", "none", *SIZE[2:], *LOOKS),
    "tutorial": ("--preset", "tutorial", *SIZE, "--steps", "12"),
    "whole text": ("--preset", "tiny", *SIZE, *LOOKS, "--use-all-text"),
    "from a model": ("--preset", "tiny", *SIZE[4:], *LOOKS, "--from", "other"),
    "bytes": ("--preset", "tiny", *SIZE, *LOOKS, "--vocabulary", "bytes"),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a text in it."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text(some_text(8_000) + "é", encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["train", *arguments])


def settings(report: Report) -> dict[str, tuple[str, str]]:
    return {name: (row[0], row[1]) for name, row in report.rows.items() if name.startswith("--")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_leaves_a_report(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if kind == "from a model":
        assert run("text.txt", "--out", "other", "--preset", "tiny", *SIZE, "--steps", "5", "--quiet") == 0
    capsys.readouterr()
    assert run("text.txt", "--out", "run", *KINDS[kind], "--json") == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert result["report"] == f"run/{REPORT}"
    assert "note: no report" not in said.err
    folders = [Path("run"), *([Path("run", HELD_BACK)] if kind == "whole text" else [])]
    for folder in folders:
        report, training = Report(folder / REPORT), file.read(folder).training
        assert_alone(report)
        told = report.sections["What it came to"]
        assert training["corpus"]["sha256"] in told
        assert f"{training['corpus']['train_characters']:,} to learn from" in told
        assert f"{training['characters_seen']:,}" in told or kind != "tutorial"
        if training["validation_loss"] is not None:
            assert f"{training['validation_loss']:.4f} nats" in told
            assert f"{training['validation_loss_streamed'] / math.log(2):.3f} bits" in told
            assert f"of step {training['steps']:,}" in told
        recipe = settings(report)
        for name in ("units", "seed", "learning_rate", "batch_size", "optimizer", "steps"):
            value = training["recipe"][name]
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            assert recipe[f"--{name.replace('_', '-')}"][0] == shown
    report = Report(Path("run", REPORT))
    assert f"{result['train_loss']:.4f} nats" in report.sections["What it came to"]
    assert "All" in report.source
    if kind in ("tutorial", "whole text"):
        assert "Nothing was held back" in report.sections["How sure it is"]
        assert "None were written" in report.sections["Samples as it grew"]
    else:
        assert "predictions" in report.sections["How sure it is"]
        for step in (8, 16, 24, 32, 40):
            assert f"Step {step}" in report.sections["Samples as it grew"]


@pytest.mark.parametrize("kind", ["auto", "bytes"])
def test_the_command_on_the_page_writes_the_page(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("text.txt", "--out", "a run", *KINDS[kind], "--quiet") == 0
    report = Report(Path("a run", REPORT))
    (command,) = report.parts["command"]
    program, *arguments = shlex.split(command)
    assert program == "understudy"
    assert main(arguments) == 0
    (page,) = report.parts["page"]
    assert visible(capsys.readouterr().out) == page + "\n"
    assert len(page) == 1500 or kind == "bytes"


def test_the_curve_has_what_was_reported(place: Path) -> None:
    assert run("text.txt", "--out", "run", *KINDS["auto"], "--quiet") == 0
    report = Report(Path("run", REPORT))
    metrics = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    looks = [figures for figures in metrics if "validation_loss" in figures]
    assert len(looks) == 5
    for figures in looks:
        row = report.rows[str(figures["step"])]
        assert row[2:] == [
            f"{figures['train_loss']:.4f}",
            f"{figures['validation_loss']:.4f}",
            f"{figures['validation_loss_streamed']:.4f}",
            f"{figures['bits_per_character']:.3f}",
        ]
    lines = [value for tag, name, value in report.attributes if (tag, name) == ("polyline", "points")]
    assert [len(points.split()) for points in lines[:3]] == [len(metrics), 5, 5]
    assert f"to {looks[-1]['validation_loss']:.2f} nats" in report.source


def test_what_is_copied_is_marked_and_counted(place: Path) -> None:
    text = "to be or not to be, that is the question: whether 'tis nobler\n" * 90
    Path("again.txt").write_text(text)
    assert (
        run("again.txt", "--out", "run", "--preset", "tiny", "--steps", "150", "--learning-rate", "0.02", "--quiet")
        == 0
    )
    report, model = Report(Path("run", REPORT)), file.read("run")
    (page,) = report.parts["page"]
    learned = Ids(model.vocabulary.encode(text[: model.training["corpus"]["train_characters"]]))
    symbols, grams = model.vocabulary.encode(page), Grams.of(learned, 30)
    marked = copies.spans(symbols, grams)
    assert marked, "it was to learn its text by heart"
    assert report.parts["copied"] == [page[start:end] for start, end in marked]
    start, end = copies.longest(symbols, learned, grams)
    number = sum(end - start for start, end in marked)
    told = report.sections["What of that page is copied"]
    assert f"{number:,} of 1,500 characters ({copies.shares(symbols, learned, (30,))[30]:.1%})" in told
    assert f"the longest run has {end - start:,}" in told


def test_a_model_s_origin_is_told(place: Path) -> None:
    assert run("text.txt", "--out", "other", "--preset", "tiny", *SIZE, "--steps", "5", "--quiet") == 0
    assert run("text.txt", "--out", "run", *KINDS["from a model"], "--quiet") == 0
    origin = file.read("run").training["origin"]
    report = Report(Path("run", REPORT))
    assert f"a model that learned text in 5 steps, SHA-256 {origin['sha256']}" in report.sections["What it came to"]
    assert settings(report)["--units"] == ("12", "what it began from")


def request(out: str, *, resume: bool = False, whole: bool = False) -> Request:
    """A run that chooses its size; from nothing, so that it is small."""
    if resume:
        return Request(None, out=Path(out), resume=True)
    settings = {name: value for name, value in SETTINGS.items() if name != "units"}
    return Request(TextOptions(("text.txt",)), "auto", settings, Path(out), origin=NOTHING, whole_text=whole)


def sit(wanted: Request, until: tuple[int, int] | None = None) -> list[Session]:
    """Go through the sessions of a request as the command line does; to a step of one of them."""
    done = []
    for number, session in enumerate(sessions(wanted)):
        done.append(session)
        try:
            for _ in session.prepare():
                pass
            for _ in session.reports():
                if until == (number, session.trainer.progress.step):
                    session.save()
                    assert writing.leave(session) is None
                    return done
            assert writing.leave(session) is None
        finally:
            session.close()
    return done


@pytest.mark.parametrize(
    ("whole", "until"),
    [
        (False, (0, 17)),
        pytest.param(True, (0, 17), marks=pytest.mark.slow),
        pytest.param(True, (1, 9), marks=pytest.mark.slow),
    ],
)
def test_resumed_equals_uninterrupted_but_for_times(whole: bool, until: tuple[int, int], place: Path) -> None:
    sit(request("one", whole=whole))
    sit(request("two", whole=whole), until)
    stopped = Path("two", REPORT) if until[0] or not whole else Path("two", HELD_BACK, REPORT)
    report = Report(stopped)
    assert_alone(report)
    assert f"It stands at step {until[1]} of" in report.source
    assert "goes on with <code>understudy train --out two --resume</code>" in report.source
    sit(request("two", resume=True))
    for name in (REPORT, *([f"{HELD_BACK}/{REPORT}"] if whole else [])):
        assert without_times(Path("one", name)) == without_times(Path("two", name))
        why = Report(Path("two", name)).sections["The recipe, and why"]
        assert "no dropout: " in why or "dropout " in why
        assert "size: " in why


def test_before_the_first_look_there_is_no_model_and_the_report_says_so(place: Path) -> None:
    sit(request("run"), (0, 3))
    assert not Path("run/model.safetensors").exists()
    report = Report(Path("run", REPORT))
    assert_alone(report)
    assert "Nothing was reported yet" in report.sections["Losses"]
    for heading in ("The first page of its writing", "What of that page is copied", "How sure it is"):
        assert "No model is kept yet" in report.sections[heading]


def test_the_library_leaves_one_too(place: Path) -> None:
    model = train("text.txt", out="run", preset="tiny", steps=6, units=8, evaluate_every=3)
    report = Report(Path("run", REPORT))
    assert report.parts["page"] == [model.generate(length=1500, seed=1)]
    assert load("run").generate(length=1500, seed=1) == report.parts["page"][0]


@pytest.mark.slow
def test_a_run_in_minutes_leaves_one(place: Path) -> None:
    assert run("text.txt", "--out", "run", "--minutes", "0.06", "--quiet") == 0
    report = Report(Path("run", REPORT))
    assert_alone(report)
    assert "measured " in report.sections["The recipe, and why"]


@pytest.mark.parametrize("by_command", [True, False])
def test_a_run_that_diverges_leaves_a_report_of_how_far_it_came(
    by_command: bool, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = Session.reports

    def poisoned(session: Session) -> Any:
        Poison(session.trainer, {16: 99})
        return reports(session)

    monkeypatch.setattr(Session, "reports", poisoned)
    if by_command:
        looks = ("--steps", "40", "--evaluate-every", "8", "--checkpoint-every", "7")
        assert run("text.txt", "--out", "run", "--preset", "tiny", *SIZE, *looks, "--quiet") == 1
        capsys.readouterr()
    else:
        with pytest.raises(DivergedError):
            train("text.txt", out="run", **SETTINGS | {"steps": 40, "evaluate_every": 8, "checkpoint_every": 7})
    report = Report(Path("run", REPORT))
    assert_alone(report)
    said = [json.loads(line).get("setback") for line in Path("run", METRICS).read_text().splitlines()]
    told = [visible(message) for message in said if message]
    assert len(told) == 2
    assert all(html.escape(message) in report.source for message in told)
