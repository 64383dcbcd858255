"""A run that is open: what is trained, on what, and where it is kept; and what beginning one and going on share."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch

from understudy.model.config import ModelConfig
from understudy.model.network import Network
from understudy.ranks.contract import Ranks
from understudy.runs import budget
from understudy.runs.choice import Beginning, most_passes, waits
from understudy.runs.facts import Facts
from understudy.runs.folder import RunFolder
from understudy.runs.journal import Journal
from understudy.runs.material import Material
from understudy.text.batches import Batches, Lanes, ShuffledChunks
from understudy.text.encoded import Ids
from understudy.training.loop import Report, Trainer
from understudy.training.recipe import DEFAULT_PRESET, Recipe


@dataclass
class Run:
    """A run that is open.

    Attributes:
        folder: where it is kept; held.
        journal: what it writes down as it goes; open.
        trainer: where it stands.
        facts: what it is made of.
        material: what it learns from.
        pace: what holds it to its minutes, where it has some.
        before: seconds that earlier sittings took.
        notes: what there is to say beside the reports, a line each.
    """

    folder: RunFolder
    journal: Journal
    trainer: Trainer
    facts: Facts
    material: Material
    pace: budget.Pace | None = None
    before: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the schedule's last step is done."""
        return self.trainer.progress.step >= self.facts.schedule.steps


def chooses(preset: str | None) -> bool:
    """Whether the recipe of that name leaves settings open."""
    return preset in (None, DEFAULT_PRESET)


def ends(trainer: Trainer, preset: str | None, beginning: Beginning) -> budget.Ends:
    """When a run in minutes ends before they are over: `auto` stops where nothing more is to be gained."""
    if not chooses(preset) or trainer.validation is None:
        return budget.Ends()
    characters, per_epoch = trainer.batches.characters_per_epoch, trainer.batches.per_epoch
    patience = waits(characters, beginning)
    return budget.Ends(
        round(most_passes(trainer.recipe, characters, beginning) * per_epoch),
        budget.NO_END if patience is None else max(1, round(patience * per_epoch)),
    )


def batches_of(train: Ids, recipe: Recipe, ranks: Ranks) -> Batches:
    """The ids to learn from as the recipe wants them, of this rank's lanes."""
    part = ranks.part(recipe.batch_size)
    if recipe.batches == "lanes":
        return Lanes(train, recipe.batch_size, recipe.sequence_length, part)
    return ShuffledChunks(train, recipe.batch_size, recipe.sequence_length, recipe.seed, part)


def network_for(config: ModelConfig, recipe: Recipe) -> Network:
    """A network of that shape, where and in what the recipe says."""
    return Network(config, precision=getattr(torch, recipe.precision), device=recipe.device)


def take_temperature(trainer: Trainer, facts: Facts) -> None:
    """The temperature that suited the text held back suits the model of the whole text too."""
    if facts.held_back is not None:
        trainer.temperature = facts.held_back.get("temperature", 1.0)


def text_lines(material: Material) -> Iterator[str]:
    """What there is to say of the text."""
    unit = "characters" if material.vocabulary.kind == "characters" else "bytes"
    yield (
        f"text: {material.name}, {material.survey.length:,} {unit}, {len(material.survey.codes):,} distinct; "
        f"{len(material.train):,} to learn from, {material.held_back:,} held back"
    )
    notes = (material.corpus.left_out_note if material.corpus is not None else None, material.survey.newlines_note)
    yield from (f"note: {note}" for note in notes if note is not None)
    if material.validation_unknown:
        yield (
            f"note: {material.validation_unknown:,} {unit} of the validation file do not occur in the text; they are "
            f"left out"
        )


def hold_to_the_time(run: Run, report: Report, spent: float, sampling: float) -> None:
    """Give a run that has minutes more or fewer steps, where the machine's speed has changed.

    Args:
        run: of which rank 0's clock decides.
        report: the last.
        spent: seconds that the sitting has taken.
        sampling: seconds that a sample takes.
    """
    trainer = run.trainer
    if run.pace is None:
        return
    step = trainer.batches.characters_per_epoch / trainer.batches.per_epoch / report.characters_per_second
    since_best = 0
    if report.windowed is not None and trainer.progress.best_step:
        since_best = report.step - trainer.progress.best_step
    looking = trainer.evaluation_seconds + sampling
    wanted = run.pace.steps(trainer.schedule, report.step, run.before + spent, step, looking, since_best)
    steps = int(trainer.ranks.led(wanted))
    if steps != trainer.schedule.steps:
        trainer.schedule = replace(trainer.schedule, steps=steps)
        run.facts = replace(run.facts, schedule=trainer.schedule)
