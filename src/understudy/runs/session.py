"""One sitting of a run: from what the user asked to a trained model, or to a checkpoint to go on from."""

import time
from collections.abc import Generator, Iterator
from typing import Any

from understudy.errors import CheckpointError, ConfigError
from understudy.model.file import ModelFile
from understudy.model.gpu import failed
from understudy.ranks.contract import Alone, Ranks
from understudy.runs import record, sharing
from understudy.runs.beginning import begin
from understudy.runs.facts import Facts
from understudy.runs.folder import RUNS, RunFolder
from understudy.runs.following import Follower, follow
from understudy.runs.going_on import find, go_on
from understudy.runs.keeping import Keeper
from understudy.runs.material import Material
from understudy.runs.request import Request
from understudy.runs.run import Run, hold_to_the_time
from understudy.shell import command_line, path_argument
from understudy.training.loop import Report, Trainer
from understudy.training.update import NotFiniteError

_PATIENCE = 30.0
"""A launcher that begins again may be sooner than the processes of before have ended."""


class Session:
    """Prepare, then iterate over `reports`; `save` between any two of them; `close` at the end.

    Attributes:
        request: what the user asks.
        ranks: the processes that share the run; each has a session, and those of all ranks do the same.
        began: when the sitting began.
        folder: where the run is kept, which rank 0 holds.
        received: the model, once the run is done, for the ranks that follow.
    """

    received: ModelFile | None = None

    def __init__(self, request: Request, ranks: Ranks | None = None) -> None:
        self.request = request
        self.ranks: Ranks = ranks or Alone()
        self.began = time.perf_counter() if request.began is None else request.began
        self.folder = RunFolder(request.out or RUNS, request.part, _PATIENCE if self.ranks.count > 1 else 0.0)
        self.run: Run
        self.keeper: Keeper

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

    @property
    def samples(self) -> list[str]:
        """What the model wrote at the evaluations of this sitting."""
        return self.keeper.samples

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
        self.keeper = Keeper(self.run) if self.ranks.leads else Follower(self.run)

    def reports(self) -> Generator[Report | None]:
        """Train; None after each step that has nothing to tell. A `Setback` is a report too.

        Raises:
            DivergedError: numbers were not finite more often than a run may go back.
            StorageError: the disk refused.
            GpuError: the GPU failed at its work; what it last wrote a checkpoint of is kept.
        """
        while True:
            try:
                for report in self.trainer.run():
                    if report is not None:
                        self.keeper.keep(report)
                        spent = time.perf_counter() - self.began
                        hold_to_the_time(self.run, report, spent, self.keeper.sample_seconds)
                    if self.keeper.due:
                        self.save()
                    yield report
                self.received = sharing.handed_over(self.ranks, self.folder.model)
                return
            except NotFiniteError as error:
                yield self.keeper.go_back(error)
            except RuntimeError as error:
                failure = failed(error, f"go on from the last checkpoint with: {self.resume_command}")
                if failure is None:
                    raise
                raise failure from error

    def stops(self, wished: bool) -> bool:
        """Whether to stop after the step that was done: somebody wished it, here or in another process."""
        self.ranks.wish("stop", wished)
        return self.ranks.granted("stop")

    def save(self) -> None:
        """Write a checkpoint of where the run stands; see `Keeper.save`."""
        self.keeper.save()

    def close(self) -> None:
        """Let the run folder go."""
        if hasattr(self, "run"):
            self.run.journal.close()
        self.folder.close()

    @property
    def finished(self) -> bool:
        """Whether the schedule's last step is done."""
        return self.run.finished

    @property
    def resumable(self) -> bool:
        """Whether `--resume` goes on with what this sitting was to do; not with a run that it was to replace."""
        if hasattr(self, "run") or self.folder.begins or self.request.held_back is not None:
            return True
        return self.request.resume and self.folder.holds_checkpoint()

    @property
    def resume_command(self) -> str:
        """The command line that goes on from the last checkpoint; standard input has to be given again."""
        given = self.request.texts
        texts = [text for text in given.texts if text == "-"] if given is not None else []
        if given is not None and given.validation_file == "-":
            texts += ["--validation", "-"]
        return command_line(["understudy", "train", *texts, "--out", path_argument(self.folder.whole), "--resume"])

    def result(self) -> dict[str, Any]:
        """The figures of the run so far."""
        stopped = "all steps done" if self.finished else "interrupted"
        return {"model": str(self.folder.model), **record.figures(self.trainer, self.facts), "stopped": stopped}

    def take_notes(self) -> list[str]:
        """What there is to say beside the reports since this was asked last, a line each."""
        notes, self.run.notes[:] = list(self.run.notes), []
        return notes

    def write_sample(self, length: int, seed: int) -> str:
        """Some text from the network as it stands; see `Keeper.write_sample`."""
        return self.keeper.write_sample(length, seed)

    def _opened(self) -> Generator[str, None, Run]:
        request = self.request
        if not self.ranks.leads:
            return (yield from follow(request, self.folder, self.ranks))
        if request.resume:
            if request.out is None:
                raise ConfigError("--resume: name the run folder with --out")
            found = yield from find(self.folder)
            if found is not None:
                return (yield from go_on(request, self.folder, found, self.ranks))
            if request.named is None:
                raise CheckpointError(f"{request.out}: no checkpoint to resume from; name a TEXT to start with")
            yield f"nothing to resume in {request.out}: starting from the beginning"
        return (yield from begin(request, self.folder, self.began, self.ranks))
