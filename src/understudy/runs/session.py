"""One sitting of a run: from what the user asked to a trained model, or to a checkpoint to go on from."""

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from understudy.errors import CheckpointError, ConfigError, DivergedError
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, start, write
from understudy.generation.torch_engine import TorchEngine
from understudy.layout import METRICS, SAMPLES
from understudy.runs import checkpoint, record
from understudy.runs.beginning import begin
from understudy.runs.facts import Facts
from understudy.runs.folder import RUNS, RunFolder
from understudy.runs.going_on import find, go_on
from understudy.runs.material import Material
from understudy.runs.request import Request
from understudy.runs.run import Run
from understudy.shell import command_line, path_argument
from understudy.training.loop import Report, Trainer
from understudy.training.update import NotFiniteError

SAMPLE_LENGTH = 200
SAVE_SECONDS = 20.0
"""So much of a run is lost at most, whatever ends it; more where writing a checkpoint takes longer than a second."""
_SAVING_SHARE = 0.05
_SETBACKS = 2


@dataclass(frozen=True)
class Setback:
    """Numbers were not finite: the run went back to a checkpoint, at half the rate."""

    failed_step: int
    back_to: int
    message: str


class Session:
    """Prepare, then iterate over `reports`; `save` between any two of them; `close` at the end."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.began = time.perf_counter() if request.began is None else request.began
        self.folder = RunFolder(request.out or RUNS, request.part)
        self.samples: list[str] = []
        self.run: Run
        self._sample_seconds = 0.0
        self._saved, self._saving = time.perf_counter(), 0.0

    @property
    def trainer(self) -> Trainer:
        """Where the run stands."""
        return self.run.trainer

    @property
    def facts(self) -> Facts:
        """What the run is made of."""
        return self.run.facts

    @property
    def material(self) -> Material:
        """What it learns from."""
        return self.run.material

    def prepare(self) -> Iterator[str]:
        """Begin the run or go on with it; yield a line for each thing found.

        Nothing is written to the run folder before everything that the user gave has been checked.

        Raises:
            UserError: something that the user gave does not fit.
            StorageError: the run folder cannot be written.
        """
        try:
            self.run = yield from self._opened()
        except BaseException:
            self.close()
            raise
        self._saved = time.perf_counter()

    def reports(self) -> Iterator[Report | Setback | None]:
        """Train; None after each step that has nothing to tell.

        Raises:
            DivergedError: numbers were not finite more often than a run may go back.
            StorageError: the disk refused.
        """
        while True:
            try:
                for report in self.trainer.run():
                    if report is not None:
                        self._keep(report)
                        self._hold_to_the_time(report)
                    if self.facts.schedule.saves_at(self.trainer.progress.step) or self._time_to_save():
                        self.save()
                    yield report
                return
            except NotFiniteError as error:
                yield self._go_back(error)

    def save(self) -> None:
        """Write a checkpoint of where the run stands, and the model where no validation picks one.

        Nothing is written where numbers are not finite: the checkpoint before is the one to go on from.

        Raises:
            StorageError: the disk refused; the checkpoint before it is whole.
        """
        try:
            self.trainer.settle()
        except NotFiniteError:
            return
        began = time.perf_counter()
        if self.trainer.validation is None:
            self._write_model()
        checkpoint.save(self.folder.checkpoints, self.facts, self.trainer, self.folder.written())
        self._saved = time.perf_counter()
        self._saving = self._saved - began

    def close(self) -> None:
        """Let the run folder go."""
        self.folder.close()

    @property
    def finished(self) -> bool:
        """Whether the schedule's last step is done."""
        return self.run.finished

    @property
    def resumable(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return hasattr(self, "run") or ((self.folder.held or self.request.resume) and self.folder.holds_checkpoint())

    @property
    def resume_command(self) -> str:
        """The command line that goes on from the last checkpoint; standard input has to be given again."""
        given = self.request.texts.texts if self.request.texts is not None else ()
        texts = [text for text in given if text == "-"]
        return command_line(["understudy", "train", *texts, "--out", path_argument(self.folder.whole), "--resume"])

    def result(self) -> dict[str, Any]:
        """The figures of the run so far."""
        stopped = "all steps done" if self.finished else "interrupted"
        return {"model": str(self.folder.model), **record.figures(self.trainer, self.facts), "stopped": stopped}

    def write_sample(self, length: int, seed: int) -> str:
        """Some text from the network as it stands, started as its text starts a line."""
        engine = TorchEngine(self.trainer.kept)
        first = start(engine, self.facts.vocabulary, self.facts.vocabulary.encode(""), seed)
        return write(engine, self.facts.vocabulary, [first], Plan(length, Sampling(0.8))).texts[0]

    def _opened(self) -> Generator[str, None, Run]:
        request = self.request
        if request.resume:
            if request.out is None:
                raise ConfigError("--resume: name the run folder with --out")
            found = yield from find(self.folder)
            if found is not None:
                return (yield from go_on(request, self.folder, found))
            if request.named is None:
                raise CheckpointError(f"{request.out}: no checkpoint to resume from; name a TEXT to start with")
            yield f"nothing to resume in {request.out}: starting from the beginning"
        return (yield from begin(request, self.folder, self.began))

    def _time_to_save(self) -> bool:
        return time.perf_counter() - self._saved > max(SAVE_SECONDS, self._saving / _SAVING_SHARE)

    def _hold_to_the_time(self, report: Report) -> None:
        """Give the run more or fewer steps, where the machine's speed has changed."""
        run, trainer = self.run, self.trainer
        if run.pace is None:
            return
        step = trainer.batches.characters_per_epoch / trainer.batches.per_epoch / report.characters_per_second
        spent = run.before + time.perf_counter() - self.began
        looking = trainer.evaluation_seconds + self._sample_seconds
        steps = run.pace.steps(trainer.schedule, report.step, spent, step, looking)
        if steps != trainer.schedule.steps:
            trainer.schedule = replace(trainer.schedule, steps=steps)
            run.facts = replace(run.facts, schedule=trainer.schedule)

    def _keep(self, report: Report) -> None:
        figures = record.report_figures(report)
        self.folder.append(METRICS, json.dumps(figures) + "\n")
        step = figures.pop("step")
        self.folder.show_on_board(figures, step)
        if report.best:
            self._write_model()
        if report.windowed is not None:
            before = time.perf_counter()
            text = self.write_sample(SAMPLE_LENGTH, report.step)
            self._sample_seconds = time.perf_counter() - before
            self.samples.append(text)
            self.folder.append(SAMPLES, f"--- step {step} ---\n{text}\n\n")

    def _write_model(self) -> None:
        record.model_file(self.trainer, self.facts, self.material).write(self.folder.model)

    def _go_back(self, error: NotFiniteError) -> Setback:
        """Go back to a checkpoint of the schedule's: where those that come by time are, depends on the clock."""
        progress = self.trainer.progress
        if progress.setbacks >= _SETBACKS:
            raise DivergedError(
                f"{error}, after going back {_SETBACKS} times; the last good state is in "
                f"{self.folder.checkpoints}; try a lower --learning-rate"
            )
        found, _ = checkpoint.load_latest(self.folder.checkpoints, planned=True)
        assert found is not None, "a run writes its first checkpoint before its first step"
        best = (progress.best_loss, progress.best_streamed, progress.best_step)
        found.restore(self.trainer)
        progress.best_loss, progress.best_streamed, progress.best_step = best
        progress.rate_scale /= 2
        progress.setbacks += 1
        message = f"{error}: going back to step {progress.step} with the rate multiplied by {progress.rate_scale}"
        self.folder.append(METRICS, json.dumps({"step": progress.step, "setback": message}) + "\n")
        checkpoint.forget_after(self.folder.checkpoints, progress.step)
        self.save()
        return Setback(error.step, progress.step, message)
