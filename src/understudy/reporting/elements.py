"""The parts of a report as HTML: whatever comes from a text, a model or a user stands there as text."""

import math
from collections.abc import Iterable, Sequence

from understudy.evaluation.calibration import Calibration
from understudy.evaluation.protocols import WINDOW
from understudy.pages import escaped
from understudy.reporting import pictures
from understudy.reporting.course import Course, Point, spread_out
from understudy.reporting.looks import COPY, Judged, Page
from understudy.seeing.visible import visible

_MOST_ROWS, _SHOWN_FIRST, _MOST_SAMPLES, _LONGEST_SAMPLE, _MOST_SETBACKS = 40, 3, 40, 2000, 20


def shown(text: str) -> str:
    """A text of anybody's, as the page shows it: what would turn the order of a line has a sign."""
    return escaped(visible(text))


def paragraph(text: str) -> str:
    """Some words."""
    return f"<p>{shown(text)}</p>"


def terms(facts: Iterable[tuple[str, str, str]]) -> str:
    """Headings, what is to be said of each, and the class of it."""
    return "\n".join(
        f"<dt>{shown(heading)}</dt>\n<dd{_class(kind)}>{shown(text)}</dd>" for heading, text, kind in facts
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], kinds: Sequence[str] = ()) -> str:
    """A table; the first column tells what each row is of.

    Args:
        headings: of the columns.
        rows: what is in them.
        kinds: the class of each column.
    """
    kinds = [*kinds, *[""] * (len(headings) - len(kinds))]
    marks = [_class(kind) for kind in kinds]
    lines = [
        f'<tr><th scope="row">{shown(row[0])}</th>'
        + "".join(f"<td{mark}>{shown(cell)}</td>" for cell, mark in zip(row[1:], marks[1:], strict=True))
        + "</tr>"
        for row in rows
    ]
    named = zip(headings, marks, strict=True)
    head = "".join(f'<th scope="col"{mark}>{shown(heading)}</th>' for heading, mark in named)
    return "\n".join(['<div class="scroll"><table>', f"<tr>{head}</tr>", *lines, "</table></div>"])


def folded(summary: str, inside: str) -> str:
    """What is there for who wants it."""
    return f"<details>\n<summary>{shown(summary)}</summary>\n{inside}\n</details>"


def losses(course: Course, best: int | None, unit: str) -> str:
    """The curves, and their figures."""
    points = course.points
    if not points:
        return paragraph("Nothing was reported yet.")
    looked = [point for point in points if point.windowed is not None]
    series = [("train", "dot" if len(points) < 2 else "", "learned from, a mean since the report before")]
    if looked:
        series.append(("windowed", "dot", f"held back, in windows of {WINDOW}"))
        series.append(("streamed", "square", "held back, with the state carried"))
    legend = "\n".join(f"<li>{pictures.swatch(kind, mark)}{escaped(name)}</li>" for kind, mark, name in series)
    notes = [
        f"Nats a {unit}, by steps. Under the steps: the {unit}s read until then, and the time that the steps took."
    ]
    if best is not None:
        notes.append(f"The dotted line is at step {best:,}, whose model is kept.")
    if not looked:
        notes.append("No text was looked at that it did not learn from.")
    rows = looked or points
    rows = [rows[place] for place in spread_out(len(rows), _MOST_ROWS)]
    figures = table(
        ("step", "read", "time", "training", "in windows", "streamed", "bits"),
        [_row(point) for point in rows],
        ("", "", "clock"),
    )
    said = "\n".join(map(paragraph, course.setbacks[:_MOST_SETBACKS]))
    picture = pictures.curves(points, best, unit)
    return "\n".join(
        [paragraph(" ".join(notes)), picture, f'<ul class="legend">\n{legend}\n</ul>', said, folded("Figures", figures)]
    )


def _row(point: Point) -> list[str]:
    lost = [f"{point.train:.4f}", *("–" if loss is None else f"{loss:.4f}" for loss in point[4:])]
    bits = "–" if point.streamed is None else f"{point.streamed / math.log(2):.3f}"
    return [f"{point.step:,}", pictures.compact(point.characters), pictures.duration(point.seconds), *lost, bits]


def samples(course: Course) -> str:
    """The first few and the last as they are, the others folded."""
    if not course.samples:
        return paragraph("None were written: that happens when a text that is held back is looked at.")
    pieces = [
        f'<h3>Step {step:,}</h3>\n<div class="written" dir="auto">{shown(text[:_LONGEST_SAMPLE])}</div>'
        for step, text in course.samples
    ]
    first, between, last = pieces[:_SHOWN_FIRST], pieces[_SHOWN_FIRST:-1], pieces[_SHOWN_FIRST:][-1:]
    if between:
        taken = [between[place] for place in spread_out(len(between), _MOST_SAMPLES)]
        more = "" if len(taken) == len(between) else f"{len(taken)} of "
        first.append(folded(f"{more}{len(between):,} more between these", "\n".join(taken)))
    return "\n".join([*first, *last])


def writing(page: Page, command: str, unit: str) -> str:
    """The page, with what is copied marked, and how it is written again."""
    pieces, at = [], 0
    for start, end in page.copies:
        pieces += [shown(page.text[at:start]), f'<mark class="copied">{shown(page.text[start:end])}</mark>']
        at = end
    text = "".join([*pieces, shown(page.text[at:])])
    return "\n".join(
        [
            paragraph(f"{page.length:,} {unit}s. The same page again, and others with other seeds:"),
            f'<div class="command">{escaped(command)}</div>',
            f'<div class="written" id="page" dir="auto">{text}</div>',
        ]
    )


def copies(page: Page, learned: int, unit: str) -> str:
    """How much of the page is copied."""
    rest = "" if page.searched == learned else f" Only its first {page.searched:,} {unit}s were searched."
    if not page.copies:
        return paragraph(f"No {COPY} {unit}s in a row stand word for word in the text that it learned.{rest}")
    number = sum(end - start for start, end in page.copies)
    parts = f"{len(page.copies)} part{'' if len(page.copies) == 1 else 's'}"
    return paragraph(
        f"{number:,} of {len(page.text):,} characters ({number / len(page.text):.1%}), in {parts}, stand word for word "
        f"in the text that it learned, in runs of {COPY} {unit}s or more; the longest run has {page.longest:,}. They "
        f"are underlined in the page.{rest}"
    )


def calibration(judged: Judged, unit: str) -> str:
    """How often what was given a probability came."""
    found: Calibration = judged.found
    rows = [
        (f"{entry.low:g} to {entry.high:g}", f"{entry.predictions:,}", f"{entry.expected:.2%}", f"{entry.came:.2%}")
        for entry in found.bins
    ]
    words = (
        f"How often what was given a probability came, on {judged.characters:,} {unit}s from the beginning of what was "
        f"held back, in windows of {WINDOW}. On the dotted line a model is as sure as it may be; above it, it is too "
        f"modest, below it too sure. A prediction was off by {found.error:.2%}, as a mean over places."
    )
    figures = table(("probability", "predictions", "given, as a mean", "came"), rows)
    return "\n".join([paragraph(words), pictures.calibration(found.bins), folded("Figures", figures)])
