"""The figures of a run, read again from its folder: lists, a table where pandas is there, a picture with matplotlib."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.checks import named
from understudy.errors import ConfigError, MissingExtraError
from understudy.layout import HELD_BACK
from understudy.runs.reading_back import metrics_in

if TYPE_CHECKING:
    from pandas import DataFrame

    from understudy.history.curves import Curves

COLUMNS = (
    *("step", "epoch", "train_loss", "validation_loss", "validation_loss_streamed", "bits_per_character"),
    *("validation_characters", "best", "learning_rate", "gradient_norm", "characters_per_second", "seconds"),
)


class History:
    """The figures of a run, a row for each report; each column is a list, None where a report did not have it.

    Losses are mean nats a character. What was done again after a setback is there once.

    Attributes:
        step: steps done.
        epoch: passes over the text done, with a fraction.
        train_loss: mean over the steps since the last report.
        validation_loss: on the text held back, in windows of 256.
        validation_loss_streamed: the same with the state carried.
        bits_per_character: of that.
        validation_characters: how many were looked at.
        best: whether that evaluation was the best so far.
        learning_rate: of the last step.
        gradient_norm: of the last step, before clipping.
        characters_per_second: learned from since the last report.
        seconds: spent in steps and evaluations until then, over all sittings.
        setbacks: what was said when the run went back to a checkpoint.
        held_back: the history of the first of two runs (`use_all_text`), which held text back; None for other runs.
    """

    step: list[int]
    epoch: list[float]
    train_loss: list[float]
    validation_loss: list[float | None]
    validation_loss_streamed: list[float | None]
    bits_per_character: list[float | None]
    validation_characters: list[int | None]
    best: list[bool | None]
    learning_rate: list[float]
    gradient_norm: list[float]
    characters_per_second: list[float]
    seconds: list[float | None]

    def __init__(self, folder: Path) -> None:
        """Read the history of the run in a folder.

        Raises:
            ConfigError: nothing was written down there.
        """
        self.setbacks: list[str] = []
        rows: list[dict[str, Any]] = []
        for figures in metrics_in(folder):
            if "setback" in figures:
                rows = [row for row in rows if row["step"] <= figures["step"]]
                self.setbacks.append(str(figures["setback"]))
            else:
                rows.append(figures)
        if not rows and not self.setbacks:
            raise ConfigError(f"{named(folder)}: no history: its metrics.jsonl is not there, or holds no report yet")
        self.rows = rows
        for name in COLUMNS:
            setattr(self, name, [row.get(name) for row in rows])
        self.held_back = History(folder / HELD_BACK) if any(metrics_in(folder / HELD_BACK)) else None

    def __len__(self) -> int:
        return len(self.step)

    def frame(self) -> "DataFrame":
        """A pandas DataFrame, a row for each report.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as error:
            raise MissingExtraError("history.frame(): pandas is not installed; pip install pandas") from error
        table = pandas.DataFrame({name: getattr(self, name) for name in COLUMNS})
        return table.astype({"best": "boolean", "validation_characters": "Int64"})

    def plot(self) -> "Curves":
        """The losses against steps and against minutes, as a matplotlib Figure that shows itself in a notebook.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        try:
            from understudy.history.curves import curves
        except ModuleNotFoundError as error:
            raise MissingExtraError("plot(): matplotlib is not installed; pip install 'understudy[plot]'") from error
        return curves(self)

    def __repr__(self) -> str:
        return f"<History: {'; '.join(f'{name} {value}' for name, value in self._told())}>"

    def _repr_html_(self) -> str:
        from understudy.pages import cells

        return cells.framed(cells.titled("History of a run"), cells.table(self._told()))

    def _told(self) -> list[tuple[str, str]]:
        told = [("reports", f"{len(self):,}")]
        if self.step:
            told.append(("steps", f"{self.step[-1]:,}"))
            told.append(("train loss", f"{self.train_loss[0]:.4f} to {self.train_loss[-1]:.4f} nats a character"))
        looks = [(loss, step) for loss, step in zip(self.validation_loss, self.step, strict=True) if loss is not None]
        if looks:
            loss, step = min(looks)
            told.append(("validation loss", f"{looks[0][0]:.4f} to {loss:.4f}, the best at step {step:,}"))
        if self.seconds and self.seconds[-1] is not None:
            told.append(("time", f"{self.seconds[-1] / 60:.1f} minutes"))
        if self.setbacks:
            told.append(("setbacks", f"{len(self.setbacks):,}"))
        return told
