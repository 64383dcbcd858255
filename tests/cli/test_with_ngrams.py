"""A model with a table of n-grams, from training to writing."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from tests.runs.conftest import some_text
from understudy.api import load
from understudy.cli.main import main
from understudy.model.config import NGRAM_LENGTHS

ROWS = 301


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder; its text lies beside it."""
    folder = tmp_path_factory.mktemp("ngrams")
    (folder / "text.txt").write_text(some_text(20_000), encoding="utf-8")
    arguments = ["train", str(folder / "text.txt"), "--preset", "tiny", "--ngrams", str(ROWS), "--steps", "60"]
    assert main([*arguments, "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_its_file_is_no_larger_than_it_must_be(run: Path) -> None:
    with safe_open(run / "model.safetensors", "numpy") as file:
        table, codes = file.get_slice("ngrams.weight"), file.get_slice("ngrams.codes")
        assert (table.get_dtype(), table.get_shape()) == ("F16", [len(NGRAM_LENGTHS) * ROWS, 16])
        assert codes.get_dtype() == "I64"
        assert file.get_slice("layers.0.weight_hh").get_dtype() == "F32"


def test_it_scores_what_training_said_and_learns_on(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (run.parent / "text.txt").read_text(encoding="utf-8")
    held = run.parent / "held.txt"
    held.write_text(text[int(0.9 * len(text)) :], encoding="utf-8")
    said = load(run).training["validation_loss_streamed"]
    found = told(capsys, "evaluate", run, held, "--no-baselines", "--dynamic")
    assert found["loss"] == pytest.approx(said, abs=1e-3)
    assert found["dynamic"]["loss"] < found["loss"]


def test_it_writes_the_same_again_whatever_is_written_beside_it(run: Path) -> None:
    model = load(run)
    alone = model.generate("The", length=300, seed=4)
    assert model.generate("The", length=300, seed=4) == alone
    assert [sample.text for sample in model.samples("The", count=3, length=300, seed=3)][1] == alone
    state = model.start("The")
    assert model.generate(state, length=50, seed=1) == model.generate("The", length=50, seed=1)


def test_the_summary_counts_the_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(run)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "ngrams (Table)" in line]
    assert f"{len(NGRAM_LENGTHS) * ROWS * 16:,}" in line
