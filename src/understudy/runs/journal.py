"""What a run writes down as it goes: metrics, samples, and events for TensorBoard where they are wanted."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from understudy.errors import MissingExtraError
from understudy.layout import BOARD, METRICS, SAMPLES
from understudy.runs import ownership, record
from understudy.runs.growing import NOTHING, GrowingFile, Written, is_ours, not_made_here
from understudy.training.loop import Report

_TITLE = "--- step {} ---\n"
_BEYOND, _MOST_SAMPLES = 1 << 62, 1 << 26
"""Steps, and characters of samples, that are read back."""


class Journal:
    """The files of a run folder that grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, GrowingFile] = {}
        self._board: Any = None

    def take_up(self, written: dict[str, Written], *, board: bool, step: int) -> None:
        """Open the files where they stand, cut back to what belongs to a checkpoint.

        Args:
            written: what the checkpoint tells of them; nothing for a run that begins.
            board: whether to write TensorBoard events too; `check_board` tells whether that can be.
            step: where the run stands.

        Raises:
            ConfigError: one is not what the run wrote; none is cut.
            StorageError: the disk refused.
        """
        records = {self._folder / name: written.get(name, NOTHING) for name in ownership.GROWING}
        for path, known in records.items():
            if ownership.there(path) and not is_ours(path, known):
                raise not_made_here(path)
        self._files = {path.name: GrowingFile(path, known) for path, known in records.items()}
        if board:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self._folder / BOARD), purge_step=step)

    def written(self) -> dict[str, Written]:
        """How far the files have grown; all of it is on the disk."""
        return {name: file.written() for name, file in self._files.items()}

    def report(self, report: Report) -> None:
        """Write a report down."""
        figures = record.report_figures(report)
        self._files[METRICS].append(json.dumps(figures) + "\n")
        if self._board is not None:
            for name, value in figures.items():
                if name != "step":
                    self._board.add_scalar(name, value, report.step)

    def setback(self, step: int, message: str) -> None:
        """Write down that the run went back to a step."""
        self._files[METRICS].append(json.dumps({"step": step, "setback": message}) + "\n")

    def sample(self, step: int, text: str) -> None:
        """Write a sample down."""
        self._files[SAMPLES].append(f"{_TITLE.format(step)}{text}\n\n")

    def close(self) -> None:
        """Let the files go."""
        for file in self._files.values():
            file.close()
        if self._board is not None:
            self._board.close()
            self._board = None


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
    for title in map(_TITLE.format, steps):
        begin = written.find(title, at)
        places.append((begin, begin + len(title)) if begin >= 0 else None)
        at = at if begin < 0 else begin + len(title) + least
    samples, end = list[str | None](), len(written)
    for place in reversed(places):
        samples.append(None if place is None else written[place[1] : end].removesuffix("\n\n"))
        end = end if place is None else place[0]
    return samples[::-1]


def check_board() -> None:
    """Make sure that TensorBoard events can be written.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    try:
        from torch.utils import tensorboard  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "--tensorboard: tensorboard is not installed; pip install 'understudy[tensorboard]'"
        ) from error
