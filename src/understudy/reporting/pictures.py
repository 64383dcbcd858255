"""The pictures of a report, as SVG: lines that differ in more than colour, and words for who does not see them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from understudy.evaluation.calibration import Bin
from understudy.reporting.course import Point, at_step, smoothed

_WIDTH, _HEIGHT = 420, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 18, 12, 62
_ROW = 18
_MOST_POINTS, _MOST_MARKS = 160, 24
_FEWEST_PREDICTIONS = 20
"""A bin of fewer is not drawn: chance moves it about."""


class _Frame(NamedTuple):
    """Where numbers lie in a picture."""

    low: float
    high: float
    bottom: float
    top: float
    width: int = _WIDTH
    height: int = _HEIGHT
    below: int = _BOTTOM

    def x(self, value: float) -> str:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return f"{_LEFT + share * (self.width - _LEFT - _RIGHT):.1f}"

    def y(self, value: float) -> str:
        share = (value - self.bottom) / ((self.top - self.bottom) or 1.0)
        return f"{self.height - self.below - share * (self.height - _TOP - self.below):.1f}"

    def places(self, points: Sequence[tuple[float, float]]) -> list[tuple[str, str]]:
        return [(self.x(x), self.y(y)) for x, y in points]


def curves(points: list[Point], best: int | None, unit: str) -> str:
    """The losses by steps; there is a point at least.

    Args:
        points: what was reported.
        best: the step of the model that is kept, where looks picked it.
        unit: what a symbol is.
    """
    train = smoothed(points, _MOST_POINTS)
    looks = [point for point in points if point.windowed is not None]
    windowed = [(float(point.step), point.windowed or 0.0) for point in looks]
    streamed = [(float(point.step), point.streamed) for point in looks if point.streamed is not None]
    losses = [loss for series in (train, windowed, streamed) for _, loss in series]
    ticks = _ticks(min(losses), max(losses))
    frame = _Frame(0, points[-1].step, ticks[0], ticks[-1])
    parts = [_grid(frame, [(tick, _plain(tick)) for tick in ticks])]
    steps = _ticks(0, points[-1].step, whole=True)
    parts += [_under(frame, points, step) for step in steps if step <= points[-1].step]
    parts += [
        f'<text x="0" y="{_HEIGHT - _BOTTOM + _ROW * row}">{name}</text>'
        for row, name in enumerate(("steps", "read", "time"), start=1)
    ]
    if best is not None:
        x = frame.x(best)
        parts.append(f'<line class="kept" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
    parts.append(_line("train", frame.places(train), "dot" if len(train) < 2 else ""))
    few = len(looks) <= _MOST_MARKS
    parts.append(_line("windowed", frame.places(windowed), "dot" if few else ""))
    parts.append(_line("streamed", frame.places(streamed), "square" if few else ""))
    told = f"In {points[-1].step:,} steps the training loss went from {train[0][1]:.2f} to {train[-1][1]:.2f}"
    if looks:
        told += f", the loss on the text held back, in windows, from {windowed[0][1]:.2f} to {windowed[-1][1]:.2f}"
    return _picture("curve", "Losses by steps", f"{told} nats a {unit}. A table follows.", parts, _WIDTH, _HEIGHT)


def calibration(bins: list[Bin]) -> str:
    """What came by what was expected; on the diagonal the two are the same."""
    shown = [entry for entry in bins if entry.predictions >= _FEWEST_PREDICTIONS]
    side, below = 320, 44
    frame = _Frame(0, 1, 0, 1, _WIDTH, side, below)
    ticks = [(tick / 4, f"{25 * tick}%") for tick in range(5)]
    parts = [_grid(frame, ticks)]
    parts += [f'<text x="{frame.x(tick)}" y="{side - below + _ROW}" {_MIDDLE}>{name}</text>' for tick, name in ticks]
    parts.append(f'<text x="{frame.x(0.5)}" y="{side - below + 2 * _ROW}" {_MIDDLE}>probability given</text>')
    parts.append(_line("even", frame.places([(0.0, 0.0), (1.0, 1.0)]), ""))
    parts.append(_line("windowed", frame.places([(entry.expected, entry.came) for entry in shown]), "dot"))
    furthest = max(shown, key=lambda entry: abs(entry.expected - entry.came), default=None)
    told = "A table follows."
    if furthest is not None:
        told = (
            f"What was given a probability of {furthest.expected:.1%}, as a mean, came in {furthest.came:.1%} of the "
            f"cases; nothing else is further off. {told}"
        )
    return _picture("sure", "How often what was given a probability came", told, parts, _WIDTH, side)


_MIDDLE = 'text-anchor="middle"'


def swatch(kind: str, mark: str) -> str:
    """A small piece of a line, for a legend."""
    line = _line(kind, [("2.0", "7.0"), ("32.0", "7.0")], "")
    return f'<svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">{line}{_marks(kind, mark, 17, 7)}</svg>'


def compact(number: float) -> str:
    """A number of characters in few letters."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}" if number < 999.5 * size else f"{number / size:,.0f}{letter}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """A time in few letters."""
    for size, letter in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {letter}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def _under(frame: _Frame, points: list[Point], step: float) -> str:
    """What stands under a step: itself, characters, and the time."""
    characters, seconds = at_step(points, step)
    x, base = frame.x(step), _HEIGHT - _BOTTOM
    told = [f"{step:,.0f}" if step < 10_000 else compact(step)]
    if step:
        told += [compact(characters), duration(seconds)]
    rows = enumerate(zip(told, ("", "", ' class="clock"'), strict=False), start=1)
    texts = [f'<text x="{x}" y="{base + _ROW * row}" {_MIDDLE}{kind}>{text}</text>' for row, (text, kind) in rows]
    return "".join([f'<line class="grid" x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}"/>', *texts])


def _grid(frame: _Frame, ticks: list[tuple[float, str]]) -> str:
    """Lines across, each with its number."""
    lines = []
    for tick, name in ticks:
        y = frame.y(tick)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{frame.width - _RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y}" dy="4.5" text-anchor="end">{name}</text>')
    return "".join(lines)


def _line(kind: str, places: Sequence[tuple[str, str]], mark: str) -> str:
    line = f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in places)}"/>' if places[1:] else ""
    return line + "".join(_marks(kind, mark, float(x), float(y)) for x, y in places)


def _marks(kind: str, mark: str, x: float, y: float) -> str:
    if mark == "dot":
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    if mark == "square":
        return f'<rect class="{kind}" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
    return ""


def _picture(name: str, title: str, told: str, parts: list[str], width: int, height: int) -> str:
    words = f'role="img" aria-labelledby="{name}-title {name}-told"'
    return "\n".join(
        [
            f'<svg class="picture" viewBox="0 0 {width} {height}" {words}>',
            f'<title id="{name}-title">{title}</title>',
            f'<desc id="{name}-told">{told}</desc>',
            *parts,
            "</svg>",
        ]
    )


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round numbers from below `low` to above `high`, about five."""
    span = max(high - low, 1e-3)
    size = 10 ** math.floor(math.log10(span / 4))
    size *= next(factor for factor in (1, 2, 5, 10) if span / 4 <= factor * size * 1.0001)
    size = max(1, round(size)) if whole else size
    first, last = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    return [number * size for number in range(first, max(last, first + 1) + 1)]


def _plain(number: float) -> str:
    return f"{number:.4g}"
