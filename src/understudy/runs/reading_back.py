"""What a run wrote down as it went, read again."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from understudy.layout import METRICS, SAMPLES

TITLE = "--- step {} ---\n"
"""The line before a sample."""
_BEYOND, _MOST_SAMPLES = 1 << 62, 1 << 26
"""Steps, and characters of samples, that are read back."""


def metrics_in(folder: Path) -> Iterator[dict[str, Any]]:
    """What was reported of the run in a folder, line by line; what cannot be read is passed over."""
    with suppress(OSError), (folder / METRICS).open(encoding="utf-8", errors="replace") as file:
        for line in file:
            with suppress(ValueError, RecursionError):
                figures = json.loads(line)
                step = figures.get("step") if isinstance(figures, dict) else None
                if type(step) is int and 0 <= step < _BEYOND:
                    yield figures


def samples_in(folder: Path, steps: Iterable[int], least: int) -> list[str | None]:
    """The samples that were written at some steps, in that order, of `least` characters or more; None where one is not.

    What a model writes may look like the line between two samples: it is not looked for within `least` characters.
    """
    try:
        with (folder / SAMPLES).open(encoding="utf-8", errors="replace", newline="") as file:
            written = file.read(_MOST_SAMPLES)
    except OSError:
        written = ""
    at, places = 0, list[tuple[int, int] | None]()
    for title in map(TITLE.format, steps):
        begin = written.find(title, at)
        places.append((begin, begin + len(title)) if begin >= 0 else None)
        at = at if begin < 0 else begin + len(title) + least
    samples, end = list[str | None](), len(written)
    for place in reversed(places):
        samples.append(None if place is None else written[place[1] : end].removesuffix("\n\n"))
        end = end if place is None else place[0]
    return samples[::-1]
