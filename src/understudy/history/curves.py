"""The curves of a run as a matplotlib figure; only what asks for one imports this."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from understudy.history.figures import History

_TRAIN, _WINDOWED, _STREAMED, _BEFORE = "#8a8f98", "#0b5d57", "#c2571a", "#6a4c93"
_DPI, _SHARPER = 72, 2
_MOST_MARKS = 40


class Curves(Figure):
    """A figure that no backend draws: it shows itself in a notebook's cell, and `savefig` writes it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        picture = BytesIO()
        self.savefig(picture, format="png", dpi=_DPI * _SHARPER, facecolor="white")
        width, height = self.get_size_inches() * _DPI
        return picture.getvalue(), {"width": round(width), "height": round(height)}


def curves(history: "History") -> Curves:
    """Training loss and held-back losses (nats a character) against steps, and below against minutes.

    A run of before its reports told of seconds has the upper half alone.
    """
    timed = any(seconds is not None for seconds in history.seconds)
    figure = Curves(figsize=(5, 6.4 if timed else 3.4), layout="constrained", facecolor="white")
    steps, *minutes = figure.subplots(2 if timed else 1, sharey=True, squeeze=False)[:, 0]
    _draw(steps, history, "step", 1.0)
    steps.set(xlabel="steps", ylabel="nats a character")
    steps.legend(frameon=False)
    for axes in minutes:
        _draw(axes, history, "seconds", 60.0)
        axes.set(xlabel="minutes", ylabel="nats a character")
    return figure


def _draw(axes: "Axes", history: "History", against: str, unit: float) -> None:
    _line(axes, history, "train_loss", against, unit, color=_TRAIN, linewidth=1.2, label="training")
    if history.held_back is not None:
        before = {"color": _BEFORE, "linestyle": "--", "label": "held back, in the first of two runs"}
        _line(axes, history.held_back, "validation_loss", against, unit, **before)
    looks = sum(loss is not None for loss in history.validation_loss)
    marks = ("o", "s") if looks <= _MOST_MARKS else (None, None)
    held_back = (
        ("validation_loss", "held back, windows of 256", _WINDOWED, marks[0], "-"),
        ("validation_loss_streamed", "held back, streamed", _STREAMED, marks[1], "--"),
    )
    for column, label, colour, mark, style in held_back:
        look: dict[str, Any] = {"color": colour, "marker": mark, "markersize": 4, "linestyle": style, "label": label}
        _line(axes, history, column, against, unit, **look)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_xlim(left=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _line(axes: "Axes", history: "History", column: str, against: str, unit: float, **look: Any) -> None:
    """One column against another, where a report has both; nothing where none has."""
    pairs = zip(getattr(history, against), getattr(history, column), strict=True)
    places = [(x / unit, y) for x, y in pairs if x is not None and y is not None]
    if places:
        axes.plot([x for x, _ in places], [y for _, y in places], **look)
