"""The figures of a run as lists, as a table, and as a picture."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest

import understudy
from understudy import History, UserError

COLUMNS = ("step", "epoch", "train_loss", "learning_rate", "gradient_norm", "characters_per_second", "seconds")
LOOKS = ("validation_loss", "validation_loss_streamed", "bits_per_character", "validation_characters", "best")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_the_columns_are_those_of_the_metrics(undisturbed: Path) -> None:
    history, written = understudy.load(undisturbed).history, lines(undisturbed)
    assert len(history) == len(written) == 6
    for name in (*COLUMNS, *LOOKS):
        assert getattr(history, name) == [line.get(name) for line in written]
    assert history.validation_loss.count(None) == 3
    assert history.held_back is None


@pytest.mark.parametrize("model", ["run", "run/model.safetensors"])
def test_a_model_finds_its_history_wherever_it_was_loaded_from(
    model: str, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(undisturbed.parent)
    loaded = understudy.load(model)
    monkeypatch.chdir(tmp_path)
    assert loaded.history.step[-1] == 45


def test_a_model_alone_has_none_and_says_so(undisturbed: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(undisturbed / "model.safetensors", tmp_path / "model.safetensors"))
    renamed = Path(shutil.copy(alone, undisturbed.parent / "other.safetensors"))
    for model, said in ((alone, "no history: its metrics"), (renamed, "no history: it is not in a run folder")):
        with pytest.raises(UserError, match=said) as raised:
            understudy.load(model).plot()
        assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="no history"):
        _ = understudy.load("@shakespeare").history


def test_what_was_done_again_after_a_setback_is_there_once(tmp_path: Path) -> None:
    rows = [(10, 3.0), (20, 2.5), (30, 2.2)]
    written: list[dict[str, Any]] = [{"step": step, "epoch": step / 10, "train_loss": loss} for step, loss in rows]
    written.insert(2, {"step": 10, "setback": "going back"})
    written.append({"step": 20, "epoch": 2.0, "train_loss": 2.4})
    written[3], written[4] = written[4], written[3]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, written)))
    history = History(tmp_path)
    assert (history.step, history.train_loss) == ([10, 20, 30], [3.0, 2.4, 2.2])
    assert history.setbacks == ["going back"]


def test_the_table_holds_the_lists(undisturbed: Path) -> None:
    history = understudy.load(undisturbed).history
    table = history.frame()
    assert isinstance(table, pandas.DataFrame)
    for name in (*COLUMNS, *LOOKS):
        found = [None if pandas.isna(value) else value for value in table[name]]
        assert found == getattr(history, name), name
    assert (table["step"].dtype, table["best"].dtype) == ("int64", "boolean")


def points(line: Any) -> list[tuple[float, float]]:
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def test_the_picture_has_the_losses_against_steps_and_minutes(undisturbed: Path) -> None:
    history, figure = understudy.load(undisturbed).history, understudy.load(undisturbed).plot()
    minutes = [seconds / 60 for seconds in history.seconds if seconds is not None]
    axes = figure.axes
    assert [one.get_xlabel() for one in axes] == ["steps", "minutes"]
    looks = [place for place, loss in enumerate(history.validation_loss) if loss is not None]
    across: list[float]
    for one, across in zip(axes, (history.step, minutes), strict=True):  # type: ignore[assignment]
        train, windowed, streamed = one.get_lines()
        assert points(train) == list(zip(across, history.train_loss, strict=True))
        for line, losses in ((windowed, history.validation_loss), (streamed, history.validation_loss_streamed)):
            assert points(line) == [(across[place], losses[place]) for place in looks]
    data, size = figure._repr_png_()
    assert data.startswith(b"\x89PNG")
    assert size["width"] <= 360, "it is read on a telephone too"


def test_a_run_that_told_no_seconds_is_drawn_against_steps_alone(undisturbed: Path, tmp_path: Path) -> None:
    old = shutil.copytree(undisturbed, tmp_path / "old")
    lines = [json.loads(line) for line in (old / "metrics.jsonl").read_text().splitlines()]
    written = [json.dumps({name: value for name, value in line.items() if name != "seconds"}) for line in lines]
    (old / "metrics.jsonl").write_text("\n".join([*written, ""]))
    (axes,) = understudy.load(old).plot().axes
    assert axes.get_xlabel() == "steps"


def ran(code: str, folder: Path) -> str:
    program = f"import sys, understudy\nmodel = understudy.load({str(folder)!r})\n{code}"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_a_picture_touches_neither_backends_nor_what_is_set(undisturbed: Path, tmp_path: Path) -> None:
    code = f"model.plot().savefig({str(tmp_path / 'curves.svg')!r}); print('matplotlib.pyplot' in sys.modules)"
    assert ran(code, undisturbed) == "False\n"
    assert (tmp_path / "curves.svg").is_file()


def test_a_history_is_read_without_torch_pandas_and_matplotlib(undisturbed: Path) -> None:
    code = "model.history; print({'torch', 'pandas', 'matplotlib', 'rich'} & set(sys.modules))"
    assert ran(code, undisturbed) == "set()\n"


@pytest.mark.parametrize(
    ("missing", "call", "remedy"),
    [
        ("matplotlib", "model.plot()", "pip install 'understudy[plot]'"),
        ("pandas", "model.history.frame()", "pip install pandas"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(missing: str, call: str, remedy: str, undisturbed: Path) -> None:
    code = (
        f"sys.modules[{missing!r}] = None\n"
        f"from understudy.errors import MissingExtraError\n"
        f"try:\n    {call}\nexcept MissingExtraError as error:\n    print(error)"
    )
    (said,) = ran(code, undisturbed).splitlines()
    assert f"{missing} is not installed" in said
    assert remedy in said
