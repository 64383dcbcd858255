"""A process that follows rank 0: it takes part in every step, decides nothing, and writes nothing."""

from collections.abc import Generator
from typing import Any

from understudy.errors import UserError
from understudy.model.initialization import initialize
from understudy.ranks.contract import Ranks
from understudy.runs import budget, sharing
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.facts import Facts
from understudy.runs.folder import RunFolder
from understudy.runs.going_on import material_again, settled_here
from understudy.runs.growing import Written
from understudy.runs.head_start import beginning_of
from understudy.runs.journal import Journal
from understudy.runs.keeping import Keeper
from understudy.runs.request import Request
from understudy.runs.run import Run, batches_of, ends, network_for, take_temperature
from understudy.training.loop import Report, Trainer


class SilentJournal(Journal):
    """Of a process that has no run folder."""

    def written(self) -> dict[str, Written]:
        """Nothing."""
        return {}

    def report(self, report: Report) -> None:
        """Rank 0 writes it down."""


class Follower(Keeper):
    """See `Keeper`; rank 0's writes."""

    @property
    def late(self) -> bool:
        """Rank 0's clock tells."""
        return False

    def keep(self, report: Report) -> None:
        """Nothing; rank 0 keeps it."""

    def write(self, found: Checkpoint) -> None:
        """Nothing; rank 0 writes it."""

    def last_good(self) -> Checkpoint | None:
        """Rank 0 has it."""
        return None

    def forget_after(self, step: int) -> None:
        """Nothing; rank 0 has them."""


def follow(request: Request, folder: RunFolder, ranks: Ranks) -> Generator[str, None, Run]:
    """Make ready what rank 0 says; yields nothing, since rank 0 tells it.

    Raises:
        UserError: this process or another lacks something.
        RanksError: rank 0 is gone.
    """
    told: dict[str, Any] = ranks.told(None)
    facts = Facts.from_document(told["facts"])
    trainer: Trainer
    try:
        recipe = settled_here(facts.recipe, folder)
        material = material_again(request, sharing.own_texts(facts.options, request.named), facts, folder)
        network = network_for(facts.config, recipe)
        batches = batches_of(material.train, recipe, ranks)
        trainer = Trainer(network, recipe, facts.schedule, batches, material.validation, ranks=ranks)
    except UserError as error:
        sharing.answered(ranks, error)
        raise
    sharing.answered(ranks, None)
    if told["begins"]:
        initialize(network, recipe.initialization, recipe.seed)
        if recipe.minutes is not None:
            budget.measure(trainer, 60 * recipe.minutes)
        Checkpoint.of(facts, trainer, {})
    found = sharing.shared(ranks, None)
    trainer.schedule = found.facts.schedule
    found.restore(trainer)
    take_temperature(trainer, found.facts)
    sharing.stand(ranks, folder)
    pace = None
    if recipe.minutes is not None:
        pace = budget.Pace(0.0, 0.0, ends(trainer, facts.asked.preset, beginning_of(facts.origin)))
    yield from ()
    return Run(folder, SilentJournal(folder.path), trainer, found.facts, material, pace)
