"""The run folder: the model, the checkpoints, and the files that grow with the run."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from understudy.errors import ConfigError, MissingExtraError, StorageError
from understudy.model.file import FILE_NAME
from understudy.storage import remove_partials
from understudy.training.loop import Report

METRICS, SAMPLES = "metrics.jsonl", "samples.txt"


class RunFolder:
    """`runs/NAME/`, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = path / FILE_NAME
        self.checkpoints = path / "checkpoint"
        self._files: dict[str, IO[bytes]] = {}
        self._board: Any = None
        self._lock = FileLock(path / ".lock")

    def holds_run(self) -> bool:
        """Whether an earlier run left something here."""
        return self.model.exists() or self.holds_checkpoint()

    def holds_checkpoint(self) -> bool:
        """Whether there is a training state to go on from."""
        return any(self.checkpoints.glob("step-*.safetensors"))

    def hold(self) -> None:
        """Make the folder and hold it.

        Raises:
            StorageError: it cannot be made.
            ConfigError: another process holds it, or a file has its name.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise ConfigError(
                f"{self.path}: another process is training in this folder; wait for it, or choose another --out"
            ) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise ConfigError(f"--out {self.path}: a file is in the way; name a folder for the run") from error
        except OSError as error:
            raise StorageError(f"cannot make the run folder {self.path}: {error.strerror}") from error
        remove_partials(self.path)
        remove_partials(self.checkpoints)

    def clear(self) -> None:
        """Make place for a new run."""
        self.discard()
        self.rewind({})

    def discard(self) -> None:
        """Remove an earlier run's model and checkpoints, so that nobody goes on with it."""
        for path in [*self.checkpoints.glob("step-*.safetensors"), self.model]:
            path.unlink(missing_ok=True)

    def rewind(self, written: dict[str, int]) -> None:
        """Cut the growing files back to what belongs to a checkpoint."""
        try:
            for name in (METRICS, SAMPLES):
                path = self.path / name
                if path.exists() and path.stat().st_size > written.get(name, 0):
                    os.truncate(path, written.get(name, 0))
                self._files[name] = path.open("ab")
        except OSError as error:
            raise StorageError(f"cannot write in {self.path}: {error.strerror}") from error

    def written(self) -> dict[str, int]:
        """How far the growing files have grown."""
        return {name: file.tell() for name, file in self._files.items()}

    def record(self, report: Report) -> None:
        """Add a report to the metrics."""
        figures: dict[str, Any] = {
            "step": report.step,
            "epoch": report.epoch,
            "train_loss": report.train_loss,
            "learning_rate": report.learning_rate,
            "characters_per_second": report.characters_per_second,
            "gradient_norm": report.gradient_norm,
        }
        if report.windowed is not None and report.streamed is not None:
            figures["validation_loss"] = report.windowed.loss
            figures["validation_loss_streamed"] = report.streamed.loss
            figures["validation_characters"] = report.windowed.characters
            figures["bits_per_character"] = report.streamed.bits_per_character
            figures["best"] = report.best
        self.note(figures)
        if self._board is not None:
            for name, value in figures.items():
                if name != "step":
                    self._board.add_scalar(name, value, report.step)

    def note(self, figures: dict[str, Any]) -> None:
        """Add one line to the metrics."""
        self._append(METRICS, json.dumps(figures) + "\n")

    def sample(self, step: int, text: str) -> None:
        """Add a sample to the samples."""
        self._append(SAMPLES, f"--- step {step} ---\n{text}\n\n")

    def start_board(self, step: int) -> None:
        """Write TensorBoard events too, from `step` on.

        Raises:
            MissingExtraError: tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError(
                "--tensorboard: tensorboard is not installed; pip install 'understudy[tensorboard]'"
            ) from error
        self._board = SummaryWriter(str(self.path / "tensorboard"), purge_step=step)

    def close(self) -> None:
        """Let the folder go."""
        for file in self._files.values():
            with suppress(OSError):  # what a full disk refused has been told, and is still in the buffer
                file.close()
        if self._board is not None:
            self._board.close()
        self._lock.release()

    def _append(self, name: str, text: str) -> None:
        try:
            self._files[name].write(text.encode("utf-8", "backslashreplace"))
            self._files[name].flush()
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path / name}: {error.strerror}; the last checkpoint is untouched"
            ) from error


def free_folder(name: str) -> Path:
    """A folder under `runs/` that no run has used: NAME, or NAME-2, NAME-3, ..."""
    number = 1
    while (path := Path("runs") / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path
