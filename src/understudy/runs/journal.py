"""What a run writes down as it goes: metrics, samples, and events for TensorBoard where they are wanted."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.errors import MissingExtraError
from understudy.layout import BOARD, METRICS, SAMPLES
from understudy.runs import ownership
from understudy.runs.growing import NOTHING, GrowingFile, Written, is_ours, not_made_here
from understudy.runs.reading_back import TITLE

if TYPE_CHECKING:
    from understudy.training.loop import Report

_STORES = ("boto3", "botocore")


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

    def report(self, report: "Report") -> None:
        """Write a report down."""
        figures = report.to_document()
        self._files[METRICS].append(json.dumps(figures) + "\n")
        if self._board is not None:
            for name, value in figures.items():
                if name not in ("step", "setback"):
                    self._board.add_scalar(name, value, report.step)

    def sample(self, step: int, text: str) -> None:
        """Write a sample down."""
        self._files[SAMPLES].append(f"{TITLE.format(step)}{text}\n\n")

    def close(self) -> None:
        """Let the files go."""
        for file in self._files.values():
            file.close()
        if self._board is not None:
            self._board.close()
            self._board = None


def check_board() -> None:
    """Make sure that TensorBoard events can be written.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """
    try:
        with _no_stores():
            import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "--tensorboard: tensorboard is not installed; pip install 'understudy[tensorboard]'"
        ) from error


@contextmanager
def _no_stores() -> Iterator[None]:
    """Hide the clients of object stores, if any: TensorBoard would import them, and they ask for sockets."""
    hidden = [name for name in _STORES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be imported
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
