"""One sitting of a run: from what the user asked to a trained model, or to a checkpoint to go on from."""

import shlex
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from understudy.errors import CheckpointError, ConfigError, DivergedError
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, start, write
from understudy.generation.torch_engine import TorchEngine
from understudy.model import file, parameters
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.runs import budget, checkpoint, record
from understudy.runs.checkpoint import Facts
from understudy.runs.choice import choose, most_passes
from understudy.runs.folder import RunFolder, free_folder
from understudy.runs.material import Material, prepare
from understudy.runs.request import Request, check_same_text, shaped_like, texts_to_resume
from understudy.text.batches import Batches, Lanes, ShuffledChunks
from understudy.text.vocabulary import printable
from understudy.training.loop import Report, Trainer
from understudy.training.machine import environment, matrix_rate, settled
from understudy.training.recipe import DEFAULT_PRESET, Recipe, preset
from understudy.training.schedule import Schedule
from understudy.training.update import NotFiniteError

SAMPLE_LENGTH = 200
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
        self.folder: RunFolder
        self.trainer: Trainer
        self.facts: Facts
        self.material: Material
        self.samples: list[str] = []
        self._before = 0.0  # seconds that earlier sittings took
        self._sample_seconds = 0.0
        self._pace: budget.Pace | None = None

    def prepare(self) -> Iterator[str]:
        """Read the texts, make or restore the model, choose the schedule; yield a line for each thing found.

        Nothing is written to the run folder before everything that the user gave has been checked.

        Raises:
            UserError: something that the user gave does not fit.
            StorageError: the run folder cannot be written.
        """
        request = self.request
        if request.resume:
            if request.out is None:
                raise ConfigError("--resume: name the run folder with --out")
            self.folder = RunFolder(self._within(request.out))
            found, passed_over = checkpoint.load_latest(self.folder.checkpoints)
            yield from (f"passed over {message}" for message in passed_over)
            if found is not None:
                yield from self._resume(found)
                return
            if request.texts is None:
                raise CheckpointError(f"{request.out}: no checkpoint to resume from; name a TEXT to start with")
            yield f"nothing to resume in {request.out}: starting from the beginning"
        yield from self._begin()

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
                    if self.facts.schedule.saves_at(self.trainer.progress.step):
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
        if self.trainer.validation is None:
            self._write_model()
        checkpoint.save(self.folder.checkpoints, self.facts, self.trainer, self.folder.written())

    def close(self) -> None:
        """Let the run folder go."""
        if hasattr(self, "folder"):
            self.folder.close()

    @property
    def finished(self) -> bool:
        """Whether the schedule's last step is done."""
        return self.trainer.progress.step >= self.facts.schedule.steps

    @property
    def resumable(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return hasattr(self, "folder") and self.folder.holds_checkpoint()

    @property
    def resume_command(self) -> str:
        """The command line that goes on from the last checkpoint; standard input has to be given again."""
        given = self.request.texts.texts if self.request.texts is not None else ()
        texts = [text for text in given if text == "-"]
        folder = self.folder.path.parent if self.request.part else self.folder.path
        return shlex.join(["understudy", "train", *texts, "--out", str(folder), "--resume"])

    def result(self) -> dict[str, Any]:
        """The figures of the run so far."""
        stopped = "all steps done" if self.finished else "interrupted"
        return {"model": str(self.folder.model), **record.figures(self.trainer, self.facts), "stopped": stopped}

    def write_sample(self, length: int, seed: int) -> str:
        """Some text from the network as it stands, started as its text starts a line."""
        engine = TorchEngine(self.trainer.kept)
        first = start(engine, self.facts.vocabulary, self.facts.vocabulary.encode(""), seed)
        return write(engine, self.facts.vocabulary, [first], Plan(length, Sampling(0.8))).texts[0]

    def _within(self, out: Path) -> Path:
        """The folder of this session in the run folder."""
        return out / self.request.part if self.request.part else out

    def _begin(self) -> Iterator[str]:
        request = self.request
        if request.texts is None:
            raise ConfigError("name a TEXT to learn from: a file, a folder, - or @python")
        recipe = settled(preset(request.preset or DEFAULT_PRESET).with_settings(**request.settings))
        options = request.texts
        origin = file.read(request.origin) if request.origin is not None else None
        if origin is not None:
            recipe = shaped_like(origin, recipe, request)
        self.material = prepare(options, recipe.validation, origin.vocabulary if origin is not None else None)
        yield from self._text_lines()
        if _chooses(request.preset):
            taken = {"units": recipe.units, "ngrams": recipe.ngrams} if origin is not None else {}
            fixed = request.settings | taken
            size = len(self.material.train), len(self.material.vocabulary)
            recipe, choices = choose(recipe, *size, matrix_rate(recipe), fixed, going_on=origin is not None)
            yield from choices
        lanes = (len(self.material.train) - 1) // recipe.sequence_length
        if recipe.batches == "lanes" and "batch_size" not in request.settings and lanes < recipe.batch_size:
            recipe = recipe.with_settings(batch_size=max(1, lanes))
        V = len(self.material.vocabulary)
        config = ModelConfig(recipe.cell, V, recipe.embedding, recipe.units, recipe.layers, recipe.ngrams)
        batches = self._batches(recipe)
        out = request.out or free_folder(self.material.name)
        path = self._within(out)
        if (RunFolder(path).holds_run() or RunFolder(out).holds_run()) and not (request.overwrite or request.resume):
            raise ConfigError(
                f"{out}: holds a run already; continue it with --resume, replace it with --overwrite, or choose "
                f"another --out"
            )
        network = _network(config, recipe)
        initialize(network, recipe.initialization, recipe.seed)
        if origin is not None:
            yield from self._take_over(network, origin)
        self.trainer = Trainer(network, recipe, Schedule(1, 0, 1), batches, self.material.validation)
        schedule = yield from self._schedule(recipe)
        self.trainer.schedule = schedule
        self.facts = Facts(
            request.preset or DEFAULT_PRESET,
            config,
            self.material.vocabulary,
            recipe,
            schedule,
            {"options": options.absolute().to_document(), **self.material.to_document()},
            {"name": origin.training.get("corpus", {}).get("name"), "steps": origin.training.get("steps")}
            if origin is not None
            else None,
            environment(),
            request.held_back,
        )
        self._take_temperature()
        self.folder = RunFolder(path)
        self.folder.hold()
        self.folder.clear()
        if request.part:
            RunFolder(out).discard()
        self._start_board()
        self.save()

    def _resume(self, found: checkpoint.Checkpoint) -> Iterator[str]:
        request, facts = self.request, found.facts
        recipe = facts.recipe
        recorded = texts_to_resume(request, facts, self.folder.path)
        self.material = prepare(recorded, recipe.validation, facts.vocabulary)
        check_same_text(self.material, facts, self.folder.path)
        yield from self._text_lines()
        self.facts = facts
        trainer = Trainer(
            _network(facts.config, recipe),
            recipe,
            facts.schedule,
            self._batches(recipe),
            self.material.validation,
        )
        found.restore(trainer)
        self.trainer = trainer
        self._take_temperature()
        if recipe.minutes is not None:
            self._before = trainer.progress.seconds
            self._pace = budget.Pace(60 * recipe.minutes, 0.0, self._most_steps(facts.preset))
        for name, value in environment().items():
            if facts.environment.get(name) != value:
                yield (
                    f"note: this run was started with {name} {facts.environment.get(name)}, now {value}; it goes "
                    f"on, but its last bits may differ from an undisturbed run's"
                )
        if self.finished:
            yield f"nothing is left to do: all {facts.schedule.steps:,} steps are done"
        else:
            yield f"resuming at step {trainer.progress.step:,} of {facts.schedule.steps:,}"
        self.folder.hold()
        self.folder.rewind(found.written)
        self._start_board()

    def _take_temperature(self) -> None:
        """The temperature that suited the text held back suits the model of the whole text too."""
        if self.facts.held_back is not None:
            self.trainer.temperature = self.facts.held_back.get("temperature", 1.0)

    def _text_lines(self) -> Iterator[str]:
        material = self.material
        unit = "characters" if material.vocabulary.kind == "characters" else "bytes"
        yield (
            f"text: {material.name}, {material.survey.length:,} {unit}, {len(material.survey.codes):,} distinct; "
            f"{len(material.train):,} to learn from, {material.held_back:,} held back"
        )
        if material.validation_unknown:
            yield (
                f"note: {material.validation_unknown:,} {unit} of the validation file do not occur in the text; "
                f"they are left out"
            )

    def _take_over(self, network: Network, origin: ModelFile) -> Iterator[str]:
        parameters.put_under(network, self.material.vocabulary, origin)
        known = set(origin.vocabulary.characters)
        new = [symbol for symbol in self.material.vocabulary.characters if symbol not in known]
        if new:
            names = ", ".join(map(printable, new[:20])) + (f" and {len(new) - 20:,} more" if len(new) > 20 else "")
            yield f"characters that are new to the model get new rows: {names}"

    def _schedule(self, recipe: Recipe) -> Generator[str, None, Schedule]:
        per_epoch = self.trainer.batches.per_epoch
        held_back = self.material.held_back
        if recipe.minutes is None:
            return budget.schedule_for(recipe, per_epoch, held_back > 0)
        try:
            speed = budget.measure(self.trainer)
        except NotFiniteError as error:
            raise DivergedError(f"{error}, before any training; the weights to start from are damaged") from error
        most = self._most_steps(self.request.preset)
        left = 60 * recipe.minutes - (time.perf_counter() - self.began)
        schedule = budget.schedule_in(recipe, per_epoch, held_back, left, speed, most)
        look = speed.character * min(held_back, schedule.looked_at)
        self._pace = budget.Pace(60 * recipe.minutes, look, most)
        characters = self.trainer.batches.characters_per_epoch / per_epoch / speed.step
        yield (
            f"measured {characters:,.0f} characters a second here: {schedule.steps:,} steps, "
            f"{schedule.steps / per_epoch:.1f} times through the text"
        )
        if schedule.looked_at < held_back:
            yield f"looks at the first {schedule.looked_at:,} characters of the text held back: all would take too long"
        if schedule.steps == most:
            yield "it will stop there, before the time is over: more passes would only learn the text by heart"
        return schedule

    def _most_steps(self, preset_name: str | None) -> int:
        """How many steps a run in minutes may have: `auto` stops where nothing more is to be gained."""
        stops = _chooses(preset_name) and self.material.validation is not None
        return most_passes(self.trainer.recipe) * self.trainer.batches.per_epoch if stops else budget.NO_END

    def _batches(self, recipe: Recipe) -> Batches:
        train = self.material.train
        if recipe.batches == "lanes":
            return Lanes(train, recipe.batch_size, recipe.sequence_length)
        return ShuffledChunks(train, recipe.batch_size, recipe.sequence_length, recipe.seed)

    def _hold_to_the_time(self, report: Report) -> None:
        """Give the run more or fewer steps, where the machine's speed has changed."""
        if self._pace is None:
            return
        trainer = self.trainer
        step = trainer.batches.characters_per_epoch / trainer.batches.per_epoch / report.characters_per_second
        spent = self._before + time.perf_counter() - self.began
        looking = trainer.evaluation_seconds + self._sample_seconds
        steps = self._pace.steps(trainer.schedule, report.step, spent, step, looking)
        if steps != trainer.schedule.steps:
            trainer.schedule = replace(trainer.schedule, steps=steps)
            self.facts = replace(self.facts, schedule=trainer.schedule)

    def _keep(self, report: Report) -> None:
        self.folder.record(report)
        if report.best:
            self._write_model()
        if report.windowed is not None:
            before = time.perf_counter()
            text = self.write_sample(SAMPLE_LENGTH, report.step)
            self._sample_seconds = time.perf_counter() - before
            self.samples.append(text)
            self.folder.sample(report.step, text)

    def _write_model(self) -> None:
        record.model_file(self.trainer, self.facts, self.material).write(self.folder.model)

    def _go_back(self, error: NotFiniteError) -> Setback:
        progress = self.trainer.progress
        if progress.setbacks >= _SETBACKS:
            raise DivergedError(
                f"{error}, after going back {_SETBACKS} times; the last good state is in "
                f"{self.folder.checkpoints}; try a lower --learning-rate"
            )
        found, _ = checkpoint.load_latest(self.folder.checkpoints)
        assert found is not None, "a run writes its first checkpoint before its first step"
        best = (progress.best_loss, progress.best_streamed, progress.best_step)
        found.restore(self.trainer)
        progress.best_loss, progress.best_streamed, progress.best_step = best
        progress.rate_scale /= 2
        progress.setbacks += 1
        message = f"{error}: going back to step {progress.step} with the rate multiplied by {progress.rate_scale}"
        self.folder.note({"step": progress.step, "setback": message})
        self.save()
        return Setback(error.step, progress.step, message)

    def _start_board(self) -> None:
        if self.request.tensorboard:
            self.folder.start_board(self.trainer.progress.step)


def _chooses(preset_name: str | None) -> bool:
    """Whether the recipe of that name leaves settings open."""
    return preset_name in (None, DEFAULT_PRESET)


def _network(config: ModelConfig, recipe: Recipe) -> Network:
    return Network(config, precision=getattr(torch, recipe.precision), device=recipe.device)
