"""Beginning a run: everything is checked before anything is written."""

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from understudy.errors import CheckpointError, ConfigError, DivergedError
from understudy.model import file, parameters
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.ranks.contract import Ranks
from understudy.runs import budget, checkpoint, ownership, sharing
from understudy.runs.checkpoint import Checkpoint
from understudy.runs.choice import Beginning, Promise, choose
from understudy.runs.facts import Asked, Facts
from understudy.runs.folder import RunFolder
from understudy.runs.growing import NOTHING
from understudy.runs.head_start import Origin, beginning_of, counts_of, found, promised
from understudy.runs.journal import Journal, check_board
from understudy.runs.material import Material, TextOptions, check_kind, prepare
from understudy.runs.ownership import GROWING
from understudy.runs.request import Request, check_found_again, check_same_text, shaped_like
from understudy.runs.run import Run, batches_of, chooses, ends, network_for, take_temperature, text_lines
from understudy.shell import command_line, path_argument
from understudy.storage import sha256_of
from understudy.text.vocabulary import printable
from understudy.training.loop import Trainer
from understudy.training.machine import environment, matrix_rate, settled
from understudy.training.recipe import DEFAULT_PRESET, Recipe, preset
from understudy.training.schedule import Schedule
from understudy.training.update import NotFiniteError

Outcome = TypeVar("Outcome")


def begin(request: Request, folder: RunFolder, began: float, ranks: Ranks) -> Generator[str, None, Run]:
    """Read the texts, make the model, choose the schedule, keep the first checkpoint; yield a line for each find.

    Args:
        request: what the user asks.
        folder: where the run is to be kept, which is held from then on; without a name of the user's, one is found.
        began: when the sitting began, by `time.perf_counter`.
        ranks: the processes that share the run.

    Raises:
        UserError: something that the user gave does not fit; nothing was written.
        StorageError: the run folder cannot be written; what was there before is untouched.
    """
    options, name = request.named, request.preset or DEFAULT_PRESET
    assert options is not None, "a request that resumes nothing names a text"
    if request.tensorboard:
        check_board()
    sharing.check_shareable(ranks, options)
    recipe = settled(preset(name).with_settings(**request.settings))
    _check_free(request, folder, [])
    origin = Origin.named(request.model) if request.model is not None else None
    asked = request.asked or Asked(name, request.settings, request.whole_text, *origin_of(request.model))
    if origin is not None:
        recipe = shaped_like(origin.model, recipe, request)
        check_kind(options.vocabulary, origin.model.vocabulary)
    material = prepare(options, recipe.validation, origin.kept if origin is not None else None, request.corpus)
    yield from text_lines(material)
    if request.first is not None:
        check_same_text(material, request.first, folder.whole)
    _check_free(request, folder, material.files)
    if request.out is not None and request.first is None:
        check_found_again(options, folder.whole)
    rate = matrix_rate(recipe) * ranks.count if chooses(request.preset) else 0.0
    promise, why = None, list[str]()
    if rate and origin is None:
        origin, promise = yield from _noted(found(request, recipe, material, rate), why)
        if origin is not None:
            recipe = shaped_like(origin.model, recipe, request)
            asked = replace(asked, origin=origin.boxed, origin_sha256=origin.sha256)
    elif rate and origin is not None and origin.based and not {"learning_rate", "weight_decay"} <= {*request.settings}:
        promise = promised(origin.model, material)
    told = None if origin is None else origin.told()
    beginning = beginning_of(told)
    recipe, choices = _chosen(recipe, request, material, rate, beginning, promise)
    why += choices
    yield from choices
    config = ModelConfig(
        recipe.cell, len(material.vocabulary), recipe.embedding, recipe.units, recipe.layers, recipe.ngrams
    )
    sharing.check_lanes(ranks, recipe.batch_size)
    batches = batches_of(material.train, recipe, ranks)
    network = network_for(config, recipe)
    initialize(network, recipe.initialization, recipe.seed, embedding_alone=origin is not None)
    if origin is not None:
        yield from _noted(_take_over(network, material, origin.model), why)
    trainer = Trainer(network, recipe, Schedule(1, 0, 1), batches, material.validation, ranks=ranks)
    facts = Facts(
        asked,
        config,
        material.vocabulary,
        recipe,
        trainer.schedule,
        _described(options, material),
        told,
        environment(recipe.device, ranks.count),
        request.held_back,
    )
    sharing.call(ranks, facts, begins=True)
    pace = None
    if recipe.minutes is None:
        trainer.schedule = budget.schedule_for(recipe, batches.per_epoch, material.held_back > 0)
    else:
        when = ends(trainer, name, beginning)
        pace = yield from _noted(_in_minutes(trainer, material, 60 * recipe.minutes, began, when), why)
    facts = replace(facts, schedule=trainer.schedule, why=tuple(why) if request.first is None else request.first.why)
    take_temperature(trainer, facts)
    first = Checkpoint.of(facts, trainer, dict.fromkeys(GROWING, NOTHING))
    _keep_first(request, folder, first, material)
    sharing.shared(ranks, first)
    sharing.stand(ranks, folder)
    journal = Journal(folder.path)
    journal.take_up({}, board=request.tensorboard, step=0)
    return Run(folder, journal, trainer, facts, material, pace)


def _noted(lines: Generator[str, None, Outcome], kept: list[str]) -> Generator[str, None, Outcome]:
    """The lines, each of them kept; and what they come to."""
    while True:
        try:
            kept.append(next(lines))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        yield kept[-1]


def _check_free(request: Request, folder: RunFolder, texts: list[Path]) -> None:
    if request.out is None and not folder.held:
        return
    whole, overwrite = folder.whole, request.overwrite or request.resume
    try:
        ownership.check_free(whole, folder.part, overwrite=overwrite, texts=texts)
    except ConfigError:
        if folder.held:
            raise
        folder.check_not_taken()  # what another process is just changing looks like nobody's
        ownership.check_free(whole, folder.part, overwrite=overwrite, texts=texts)
    if request.resume and ownership.holds_run(whole):
        raise CheckpointError(
            f"{whole}: holds a model, but no checkpoint to resume from; start from the model with "
            f"{command_line(['--from', path_argument(whole)])} and another --out, or replace it with --overwrite"
        )


def _keep_first(request: Request, folder: RunFolder, first: Checkpoint, material: Material) -> None:
    """Take the folder and write the first checkpoint; only then an old run goes."""
    if request.out is None:
        folder.hold_free(material.name)
    else:
        folder.hold()
    _check_free(request, folder, material.files)
    folder.about_to_begin()
    checkpoint.save(folder.checkpoints, first, begins=True)
    folder.replace_run(second=first.facts.held_back is not None)


def origin_of(path: Path | None) -> tuple[str | None, str | None]:
    """Where the model to start from is, in any working folder, and the digest of its file."""
    if path is None:
        return None, None
    return (str(path) if str(path).startswith("@") else str(path.absolute())), sha256_of(file.find(path))


def _described(options: TextOptions, material: Material) -> dict[str, object]:
    """What checkpoints keep of the texts."""
    return {
        "options": options.absolute().to_document(),
        **material.to_document(),
        "validation_unknown": material.validation_unknown,
    }


def _chosen(
    recipe: Recipe, request: Request, material: Material, rate: float, beginning: Beginning, promise: Promise | None
) -> tuple[Recipe, list[str]]:
    """The recipe with what it leaves open filled in, and a line for each choice."""
    choices: list[str] = []
    if chooses(request.preset):
        going_on = beginning is not Beginning.NOTHING
        taken = {"units": recipe.units, "ngrams": recipe.ngrams} if going_on else {}
        size = len(material.train), len(material.vocabulary)
        recipe, choices = choose(recipe, *size, rate, request.settings | taken, beginning, promise)
    lanes = (len(material.train) - 1) // recipe.sequence_length
    if recipe.batches == "lanes" and "batch_size" not in request.settings and lanes < recipe.batch_size:
        recipe = recipe.with_settings(batch_size=max(1, lanes))
    return recipe, choices


def _take_over(network: Network, material: Material, origin: ModelFile) -> Generator[str, None, None]:
    vocabulary = material.vocabulary
    parameters.put_under(network, vocabulary, counts_of(material), origin)
    known = set(origin.vocabulary.characters)
    new = [symbol for symbol in vocabulary.characters if symbol not in known]
    if new:
        names = ", ".join(map(printable, new[:20])) + (f" and {len(new) - 20:,} more" if len(new) > 20 else "")
        yield f"characters that are new to the model get new rows: {names}"


def _in_minutes(
    trainer: Trainer, material: Material, seconds: float, began: float, ends: budget.Ends
) -> Generator[str, None, budget.Pace]:
    """Give the trainer the schedule that fits the time on this machine; what holds it to that."""
    try:
        speed = budget.measure(trainer, seconds)
    except NotFiniteError as error:
        raise DivergedError(f"{error}, before any training; the weights to start from are damaged") from error
    per_epoch, held_back = trainer.batches.per_epoch, material.held_back
    left = seconds - (time.perf_counter() - began)
    schedule = trainer.schedule = budget.schedule_in(trainer.recipe, per_epoch, held_back, left, speed, ends.most)
    characters = trainer.batches.characters_per_epoch / per_epoch / speed.step
    yield (
        f"measured {characters:,.0f} characters a second here: {schedule.steps:,} steps, "
        f"{schedule.steps / per_epoch:.1f} times through the text"
    )
    if schedule.looked_at < held_back:
        yield f"looks at the first {schedule.looked_at:,} characters of the text held back: all would take too long"
    if ends.patience < budget.NO_END:
        yield "it will stop before that, when it has become no better on the text held back for a while"
    elif schedule.steps == ends.most:
        yield "it will stop there, before the time is over: more passes would only learn the text by heart"
    return budget.Pace(seconds, speed.character * min(held_back, schedule.looked_at), ends)
