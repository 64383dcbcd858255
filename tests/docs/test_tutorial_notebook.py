"""The tutorial: made of its source, executed as it stands, complete, and fit to be executed again."""

import importlib.util
import json
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from scripts import tutorial
from understudy.text.catalog import python_prose

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DRAWINGS = DOCS / "drawings"
MEASURED = ROOT / "benchmarks" / "measured" / "batching.jsonl"

OF_THE_FIRST_TUTORIAL = (
    *("sample", "text", "length", "beginning", "distinct", "vectorize", "lookup", "mapped", "task", "chunks"),
    *(
        "input-target",
        "step-by-step",
        "batches",
        "shuffled",
        "embedding",
        "gru",
        "dense",
        "unrolled",
        "summary",
        "loss",
    ),
    *("optimizer", "checkpoint", "training", "rebuild", "latest", "generate", "state-fed-back", "temperature"),
    *("exercise-text", "exercise-start", "exercise-layer", "exercise-temperature"),
)
"""What the tutorial of 2018 does, step by step, figure by figure, and what it asks of its reader."""
ON_THE_WAY = (
    *("sample", "text", "length", "beginning", "distinct", "vectorize", "lookup", "task", "chunks", "input-target"),
    *("step-by-step", "batches", "measured", "embedding", "gru", "lstm", "dense", "unrolled", "equations-checked"),
    *("untrained-loss", "training", "curve", "checkpoint", "killed", "resumed", "rebuild", "generate"),
    *("state-fed-back", "temperature", "state", "forked", "evaluation", "windowed", "streamed", "baselines"),
    *("surprise", "exercises"),
)
"""The way of the tutorial, in its order."""
LEARNED = ("untrained-loss", "gradient", "training")
"""From the first of these on, what is printed has been computed in floating point, or learned."""


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.read(tutorial.NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def made() -> NotebookNode:
    return tutorial.made(tutorial.cells_of(tutorial.SOURCE.read_text(encoding="utf-8")))


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def steps_of(cells: list[NotebookNode]) -> list[str]:
    """The steps that cells take, each where it comes first."""
    return list(dict.fromkeys(step for cell in cells for step in cell.metadata.get("steps", [])))


def printed(cell: NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_the_notebook_is_what_its_source_says(notebook: NotebookNode, made: NotebookNode) -> None:
    outputs = tutorial.printed(notebook)
    for stands, said in zip(notebook.cells, made.cells, strict=True):
        assert stands.source == tutorial.filled(said.source, outputs)
        assert stands.metadata == said.metadata
        assert stands.id == said.id


def test_the_outputs_are_those_of_the_code(notebook: NotebookNode) -> None:
    assert notebook.metadata["understudy"]["digest"] == tutorial.digest(notebook)
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    for cell in code(notebook):
        assert not [
            output for output in cell.outputs if output.output_type == "error" or output.get("name") == "stderr"
        ]


def test_a_changed_cell_is_a_stale_one(notebook: NotebookNode) -> None:
    changed = nbformat.from_dict(notebook)
    code(changed)[3].source += " "
    assert changed.metadata["understudy"]["digest"] != tutorial.digest(changed)


def test_every_step_of_the_first_tutorial_has_its_place(notebook: NotebookNode) -> None:
    assert set(OF_THE_FIRST_TUTORIAL) - set(steps_of(notebook.cells)) == set()


def test_the_way_is_gone_in_its_order(notebook: NotebookNode) -> None:
    taken = steps_of(notebook.cells)
    places = [taken.index(step) for step in ON_THE_WAY if step != "loss"]
    assert places == sorted(places)


def test_a_sample_comes_before_any_code(notebook: NotebookNode) -> None:
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    sample = tutorial.printed(notebook)["written"]
    assert len(sample) > 400
    assert f"```text\n{sample}\n```" in first.source


def test_headings_form_one_hierarchy(notebook: NotebookNode) -> None:
    without_code = re.sub(r"```.*?```", "", texts(notebook), flags=re.DOTALL)
    levels = [len(found) for found in re.findall(r"^(#+) ", without_code, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_pictures_are_drawn_and_can_be_read_on_a_telephone(
    notebook: NotebookNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = re.findall(r"!\[[^\]]+\]\(drawings/([^)]+)\)", texts(notebook))
    assert sorted(shown) == sorted(path.name for path in DRAWINGS.glob("*.svg"))
    found = importlib.util.spec_from_file_location("draw", DRAWINGS / "draw.py")
    assert found is not None
    assert found.loader is not None
    drawing = importlib.util.module_from_spec(found)
    found.loader.exec_module(drawing)
    monkeypatch.setattr(drawing, "__file__", str(tmp_path / "draw.py"))
    for name in shown:
        getattr(drawing, name.removesuffix(".svg"))()
        drawn = (DRAWINGS / name).read_text(encoding="utf-8")
        assert (tmp_path / name).read_text(encoding="utf-8") == drawn, f"{name}: run docs/drawings/draw.py"
        width = re.search(r'viewBox="0 0 (\d+) ', drawn)
        assert width is not None
        sizes = [int(size) for size in re.findall(r"font: (\d+)px", drawn)]
        assert sizes
        assert min(sizes) * 300 / int(width[1]) >= 12, "a telephone of 360 has 300 for a picture at least"


def test_the_figures_on_batching_are_those_that_were_measured(notebook: NotebookNode) -> None:
    runs = [json.loads(line) for line in MEASURED.read_text().splitlines()]
    table = {
        "shuffled chunks | another page's, as in 2018": "carried",
        "shuffled chunks | zero": "zero",
        "lanes | its own": "lanes",
        "lanes | zero": "lanes zero",
    }
    for row, way in table.items():
        these = [run for run in runs if run["way"] == way]
        assert sorted(run["seed"] for run in these) == [0, 1, 2]
        figures = " | ".join(f"{median(run[name] for run in these):.3f}" for name in ("windowed", "streamed"))
        assert f"| {row} | {figures} |" in texts(notebook)


def executed(folder: Path, *arguments: str) -> NotebookNode:
    """The notebook as the script executes it, in a process of its own and a kernel of that."""
    into = folder / "executed.ipynb"
    command = [sys.executable, str(ROOT / "scripts" / "tutorial.py"), "--into", str(into), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return nbformat.read(into, as_version=4)


@pytest.mark.slow
def test_a_shortened_pass_runs_from_a_clean_kernel_on_another_text(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(python_prose()[:50_000], encoding="utf-8")
    short = executed(tmp_path, f"--set=TEXT={path}", "--set=STEPS=20")
    assert all(cell.execution_count for cell in code(short))
    assert not [output for cell in code(short) for output in cell.outputs if output.output_type == "error"]
    assert len(tutorial.printed(short)["written"]) > 100


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.\d+", text)]


@pytest.mark.slow
def test_the_whole_tutorial_runs_in_time_and_says_what_stands_in_it(
    notebook: NotebookNode, tinyshakespeare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    began = time.perf_counter()
    made = executed(tmp_path)
    taken = time.perf_counter() - began

    def all_of(cells: list[NotebookNode], step: str) -> str:
        return "".join(printed(cell) for cell in cells if step in cell.metadata.get("steps", []))

    exact = True
    for stands, comes in zip(code(notebook), code(made), strict=True):
        exact = exact and not set(LEARNED) & set(stands.metadata.get("steps", []))
        kinds: list[Any] = [[sorted(output.get("data", {})) for output in cell.outputs] for cell in (stands, comes)]
        assert kinds[0] == kinds[1]
        if exact:
            assert printed(comes) == printed(stands)
    for step in ("untrained-loss", "gradient", "evaluation"):  # learned on another processor perhaps
        assert numbers(all_of(code(made), step)) == pytest.approx(numbers(all_of(code(notebook), step)), rel=0.05)
    assert taken < 300
