"""Keeping a run: what stays of it on disk while it goes on, and what it goes back to."""

import math
import time
from dataclasses import dataclass
from typing import Any

from understudy.errors import DivergedError
from understudy.generation.engine import Engine
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, start, write
from understudy.generation.torch_engine import TorchEngine
from understudy.runs import checkpoint, record, sharing
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.run import Run
from understudy.training.loop import Report
from understudy.training.update import NotFiniteError

SAVE_SECONDS = 20.0
"""So much of a run is lost at most, whatever ends it; more where writing a checkpoint takes longer than a second."""
SAMPLE_LENGTH = 200
_SAVING_SHARE = 0.05
_SETBACKS = 2


@dataclass(frozen=True)
class Setback(Report):
    """Numbers were not finite: the run went back to a checkpoint, at half the rate. It has no losses (NaN).

    Attributes:
        failed_step: the step whose numbers were not finite.
        message: what happened, in one line.
    """

    failed_step: int = 0
    message: str = ""

    @property
    def back_to(self) -> int:
        """The step that the run went back to."""
        return self.step

    def to_document(self) -> dict[str, Any]:
        """The setback as a line of `metrics.jsonl` has it."""
        return {"step": self.step, "setback": self.message}


class Keeper:
    """Writes down what a run comes to.

    Attributes:
        samples: what the model wrote at the evaluations of this sitting.
        sample_seconds: what the last of them took.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._saved, self._saving = time.perf_counter(), 0.0
        self.samples: list[str] = []
        self.sample_seconds = 0.0

    @property
    def due(self) -> bool:
        """Whether a checkpoint is due: by the schedule, or by time."""
        run, ranks = self._run, self._run.trainer.ranks
        ranks.wish("save", self.late)
        return ranks.granted("save") or run.facts.schedule.saves_at(run.trainer.progress.step)

    @property
    def late(self) -> bool:
        """Whether a checkpoint is due by time."""
        return time.perf_counter() - self._saved > max(SAVE_SECONDS, self._saving / _SAVING_SHARE)

    def keep(self, report: Report) -> None:
        """Write a report down, with a sample where it comes with an evaluation; and the model where it is the best."""
        journal = self._run.journal
        journal.report(report)
        if report.best:
            self._write_model()
        if report.windowed is not None:
            before = time.perf_counter()
            self.samples.append(self.write_sample(SAMPLE_LENGTH, report.step))
            self.sample_seconds = time.perf_counter() - before
            journal.sample(report.step, self.samples[-1])

    def save(self) -> None:
        """Write a checkpoint of where the run stands, and the model where no validation picks one; all ranks take part.

        Nothing is written where numbers are not finite: the checkpoint before is the one to go on from.

        Raises:
            StorageError: the disk refused; the checkpoint before it is whole.
        """
        run = self._run
        try:
            run.trainer.settle()
        except NotFiniteError:
            return
        began = time.perf_counter()
        others = sharing.drifted(run.trainer)
        if others:
            processes = ", ".join(map(str, others))
            run.notes.append(
                f"the weights of process {processes} had drifted from those of process 0 by step "
                f"{run.trainer.progress.step}; it goes on with those of process 0"
            )
        self.write(Checkpoint.of(run.facts, run.trainer, run.journal.written()))
        self._saved = time.perf_counter()
        self._saving = self._saved - began
        run.trainer.ranks.wish("save", False)

    def write(self, found: Checkpoint) -> None:
        """Put a checkpoint on the disk, and the model where no validation picks one.

        Raises:
            StorageError: the disk refused; the checkpoint before it is whole.
        """
        if self._run.trainer.validation is None:
            self._write_model()
        checkpoint.save(self._run.folder.checkpoints, found)

    def last_good(self) -> Checkpoint | None:
        """The newest of the checkpoints that the schedule asked for."""
        return checkpoint.load_latest(self._run.folder.checkpoints, planned=True)[0]

    def forget_after(self, step: int) -> None:
        """Remove the checkpoints of steps after this one."""
        checkpoint.forget_after(self._run.folder.checkpoints, step)

    def go_back(self, error: NotFiniteError) -> Setback:
        """Go back to a checkpoint of the schedule's: where those are that come by time depends on the clock.

        Raises:
            DivergedError: the run has gone back as often as it may.
        """
        run, progress = self._run, self._run.trainer.progress
        if progress.setbacks >= _SETBACKS:
            raise DivergedError(
                f"{error}, after going back {_SETBACKS} times; the last good state is in "
                f"{run.folder.checkpoints}; try a lower --learning-rate"
            )
        found = sharing.shared(run.trainer.ranks, self.last_good())
        best = (progress.best_loss, progress.best_streamed, progress.best_step)
        found.restore(run.trainer)
        progress.best_loss, progress.best_streamed, progress.best_step = best
        progress.rate_scale /= 2
        progress.setbacks += 1
        message = f"{error}: going back to step {progress.step} with the rate multiplied by {progress.rate_scale}"
        setback = Setback(
            step=progress.step,
            epoch=progress.step / run.trainer.batches.per_epoch,
            train_loss=math.nan,
            learning_rate=math.nan,
            characters_per_second=math.nan,
            gradient_norm=math.nan,
            seconds=progress.seconds,
            failed_step=error.step,
            message=message,
        )
        run.journal.report(setback)
        self.forget_after(progress.step)
        self.save()
        return setback

    def write_sample(self, length: int, seed: int) -> str:
        """Some text from the network as it stands, started as its text starts a line."""
        run, vocabulary = self._run, self._run.facts.vocabulary
        if run.trainer.recipe.device == "cpu":  # many times as fast as the network, a character at a time
            engine: Engine = PortableEngine(record.model_file(run.trainer, run.facts, run.material), numbers="float32")
        else:
            engine = TorchEngine(run.trainer.kept)
        first = start(engine, vocabulary, vocabulary.encode(""), seed)
        return write(engine, vocabulary, [first], Plan(length, Sampling(0.8))).texts[0]

    def _write_model(self) -> None:
        run = self._run
        record.model_file(run.trainer, run.facts, run.material).write(run.folder.model)
