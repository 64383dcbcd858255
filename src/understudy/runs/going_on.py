"""Going on with a run: from its last checkpoint, on the text that it began with."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

from understudy.errors import ConfigError, ModelFileError, TextError
from understudy.model.container import kind_of
from understudy.ranks.contract import Ranks
from understudy.runs import budget, checkpoint, ownership, sharing
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.facts import Facts
from understudy.runs.folder import RunFolder
from understudy.runs.growing import not_made_here
from understudy.runs.head_start import beginning_of
from understudy.runs.journal import Journal, check_board
from understudy.runs.material import Material, TextOptions, prepare
from understudy.runs.request import Request, check_same_origin, check_same_text, keeping, texts_to_resume
from understudy.runs.run import Run, batches_of, ends, network_for, take_temperature, text_lines
from understudy.shell import command_line, path_argument
from understudy.training.loop import Trainer
from understudy.training.machine import environment, settled
from understudy.training.recipe import Recipe

_ANY = 1 << 40
"""Characters that a validation file may have left out, where a checkpoint does not tell how many it has."""


def find(folder: RunFolder) -> Generator[str, None, Checkpoint | None]:
    """Hold the folder of a run, and give its newest intact checkpoint; None where there is no run, and nothing is held.

    Raises:
        ConfigError: another process holds it.
        CheckpointError: no checkpoint is intact.
    """
    for place in dict.fromkeys((folder.whole, folder.path)):
        ownership.check_usable(place)
    if not folder.holds_checkpoint():
        return None
    folder.hold()
    if ownership.there(folder.begun):
        try:
            begun = checkpoint.load(folder.begun)
        except ModelFileError:  # it is passed over below, and the run that it was to replace goes on
            pass
        else:
            folder.replace_run(second=begun.facts.held_back is not None)
    found, passed_over = checkpoint.load_latest(folder.checkpoints)
    yield from (f"passed over {message}" for message in passed_over)
    return found


def go_on(request: Request, folder: RunFolder, found: Checkpoint, ranks: Ranks) -> Generator[str, None, Run]:
    """Put the run where the checkpoint stands; yield a line for each thing found.

    Raises:
        UserError: something that the user gave does not fit; nothing was changed.
        StorageError: the run folder cannot be written.
    """
    if request.tensorboard:
        check_board()
    recipe = settled_here(found.facts.recipe, folder)
    options = texts_to_resume(request, found.facts, folder.whole)
    check_same_origin(request, found.facts, folder.whole)
    material = material_again(request, options, found.facts, folder)
    facts = replace(found.facts, recipe=recipe, texts={**found.facts.texts, "options": options.to_document()})
    yield from text_lines(material)
    if ownership.there(folder.model) and kind_of(folder.model) != "model":
        raise not_made_here(folder.model)
    if ownership.foreign_report(folder.path):
        raise not_made_here(folder.report)
    sharing.check_shareable(ranks, options)
    sharing.check_lanes(ranks, recipe.batch_size)
    trainer = Trainer(
        network_for(facts.config, recipe),
        recipe,
        facts.schedule,
        batches_of(material.train, recipe, ranks),
        material.validation,
        ranks=ranks,
    )
    sharing.call(ranks, facts, begins=False)
    sharing.shared(ranks, found)
    sharing.stand(ranks, folder)
    found.restore(trainer)
    take_temperature(trainer, facts)
    pace, before = None, 0.0
    if recipe.minutes is not None:
        before = trainer.progress.seconds
        pace = budget.Pace(60 * recipe.minutes, 0.0, ends(trainer, facts.asked.preset, beginning_of(facts.origin)))
    journal = Journal(folder.path)
    gone = [name for name, known in found.written.items() if known.size and not ownership.there(folder.path / name)]
    run = Run(folder, journal, trainer, facts, material, pace, before)
    yield from _changes(facts, ranks)
    yield from _stand(run)
    journal.take_up(found.written, board=request.tensorboard, step=trainer.progress.step)
    if gone:  # they begin anew, which the next sitting has to know however soon this one ends
        yield f"note: {' and '.join(gone)} of this run is gone, and begins anew"
        checkpoint.save(folder.checkpoints, replace(found, facts=facts, written=journal.written()))
    return run


def settled_here(recipe: Recipe, folder: RunFolder) -> Recipe:
    """The run's recipe on this machine, which may be another than the one where it began.

    Raises:
        ConfigError: it began on a GPU, and none can be used here.
    """
    try:
        return settled(recipe)
    except ConfigError as error:
        raise ConfigError(
            f"{folder.whole}: this run was started on a GPU, and none can be used here; go on with it where there is "
            f"one, or start a new run{keeping(folder.whole)}"
        ) from error


def material_again(request: Request, options: TextOptions, facts: Facts, folder: RunFolder) -> Material:
    """The texts of the run, as they were.

    Raises:
        TextError: they are gone.
        CheckpointError: they are not the ones.
    """
    texts = facts.texts
    held_back = texts["validation_characters"] + texts.get("validation_unknown", _ANY)
    told = None if request.named is not None else _roughly(texts["characters"])
    held_back_told = None if "validation_file" in request.text_settings else _roughly(held_back)
    with _found_again("the text", folder, told, "TEXT"):
        corpus = request.corpus or options.corpus(told)
    with _found_again("the validation file", folder, held_back_told, "--validation", "FILE"):
        other = options.validation_corpus(held_back_told)
    with _found_again("the text", folder, told, "TEXT"):
        material = prepare(options, facts.recipe.validation, facts.vocabulary, corpus, other)
    material = replace(material, name=facts.texts["name"])
    check_same_text(material, facts, folder.whole)
    if len(material.train) != facts.texts["train_characters"]:
        raise ConfigError(f"{folder.whole}: the text is not cut as it was when this run began; start a new run")
    return material


@contextmanager
def _found_again(what: str, folder: RunFolder, told: int | None, *named: str) -> Iterator[None]:
    """Tell of what the run recorded, and the user did not name, how it is named where it has moved."""
    try:
        yield
    except TextError as error:
        if told is None:
            raise
        way = command_line(["understudy", "train", *named, "--out", path_argument(folder.whole), "--resume"])
        raise TextError(f"{error}; where {what} of this run has moved, name it: {way}") from error


def _roughly(characters: int) -> int:
    """So much is read of a text that should have so many characters: one that has grown is named by its digest."""
    return 2 * characters + 1_000_000


def _changes(facts: Facts, ranks: Ranks) -> Iterator[str]:
    for name, value in environment(facts.recipe.device, ranks.count).items():
        before = facts.environment.get(name, value)  # runs of old have recorded less
        if before != value:
            yield (
                f"note: this run was started with {name} {before}, now {value}; it goes on, but "
                f"its last bits may differ from an undisturbed run's"
            )


def _stand(run: Run) -> Iterator[str]:
    steps = run.facts.schedule.steps
    if run.finished:
        way = command_line(["understudy", "train", "TEXT", "--from", path_argument(run.folder.whole)])
        yield f"nothing is left to do: all {steps:,} steps are done; for more, start from what was learned here: {way}"
    else:
        yield f"resuming at step {run.trainer.progress.step:,} of {steps:,}"
