"""The course of a run, out of what it wrote down as it went: losses by steps, and samples as they grew."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from understudy.runs.keeping import SAMPLE_LENGTH
from understudy.runs.reading_back import metrics_in, samples_in

_BEYOND = 1e300


class Point(NamedTuple):
    """What was reported at a step; losses in nats a character.

    Attributes:
        step: steps done.
        characters: characters read until then.
        seconds: that the steps took until then; looks are not among them.
        train: mean loss since the last report.
        windowed: the loss on the text held back, in windows, where it was looked at.
        streamed: the same with the state carried.
    """

    step: int
    characters: float
    seconds: float
    train: float
    windowed: float | None
    streamed: float | None


class Course(NamedTuple):
    """How a run went.

    Attributes:
        points: what was reported, by steps.
        samples: what the model wrote at steps where it was looked at.
        setbacks: what was said when it went back.
    """

    points: list[Point]
    samples: list[tuple[int, str]]
    setbacks: list[str]


def course_of(folder: Path, per_epoch: int, *, whole_characters: bool) -> Course:
    """The course of the run in a folder.

    Args:
        folder: where it is.
        per_epoch: characters that an epoch learns from.
        whole_characters: whether a symbol of the model is a character, so that a sample's length is known.
    """
    points, looks, setbacks = list[Point](), list[int](), list[str]()
    for figures in metrics_in(folder):
        step = figures["step"]
        if "setback" in figures:  # what came after that step is done again
            points = [point for point in points if point.step <= step]
            setbacks.append(str(figures["setback"]))
            continue
        train, epoch = _number(figures.get("train_loss")), _number(figures.get("epoch"))
        if train is None or epoch is None:
            continue
        before = points[-1] if points else Point(0, 0.0, 0.0, 0.0, None, None)
        characters, speed = epoch * per_epoch, _number(figures.get("characters_per_second"))
        seconds = before.seconds + (max(0.0, characters - before.characters) / speed if speed else 0.0)
        seen = [_number(figures.get(name)) for name in ("validation_loss", "validation_loss_streamed")]
        points.append(Point(step, characters, seconds, train, *seen))
        if seen[0] is not None:
            looks.append(step)
    kept = {point.step: place for place, point in enumerate(points)}
    written = samples_in(folder, looks, SAMPLE_LENGTH if whole_characters else 0)
    samples = {step: text for step, text in zip(looks, written, strict=True) if text is not None and step in kept}
    return Course(points, list(samples.items()), setbacks)


def spread_out(places: int, most: int) -> list[int]:
    """At most so many of some places, evenly, the first and the last among them."""
    if places <= most:
        return list(range(places))
    return sorted({round(number * (places - 1) / (most - 1)) for number in range(most)})


def smoothed(points: list[Point], most: int) -> list[tuple[float, float]]:
    """Steps and training losses; where there are more than `most`, means of some in a row."""
    size = math.ceil(len(points) / most)
    groups = (points[first : first + size] for first in range(0, len(points), size or 1))
    return [(_mean(point.step for point in group), _mean(point.train for point in group)) for group in groups]


def at_step(points: list[Point], step: float) -> tuple[float, float]:
    """About how many characters had been read, and how many seconds gone, at a step."""
    before = Point(0, 0.0, 0.0, 0.0, None, None)
    for point in points:
        if point.step >= step:
            share = (step - before.step) / max(1, point.step - before.step)
            return tuple(low + share * (high - low) for low, high in zip(before[1:3], point[1:3], strict=True))  # type: ignore[return-value]
        before = point
    return before.characters, before.seconds


def _mean(numbers: Iterable[float]) -> float:
    found = list(numbers)
    return sum(found) / len(found)


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and abs(value) < _BEYOND else None
