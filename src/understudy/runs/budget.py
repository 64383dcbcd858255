"""From minutes to steps: a first measurement of this machine, and the schedule that fits."""

import copy
import math
import time
from bisect import bisect_right
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import torch

from understudy.evaluation.lanes import lanes
from understudy.evaluation.protocols import WINDOW, streamed, windowed
from understudy.model.network import Network
from understudy.ranks.contract import Ranks
from understudy.text.encoded import Ids
from understudy.training.loop import Progress, Trainer
from understudy.training.recipe import Recipe
from understudy.training.schedule import VALIDATION_LIMIT, Schedule

_MEASURE_SECONDS, _MEASURE_SHARE = 2.0, 0.03
_WARM_STEPS, _FEWEST_STEPS, _MOST_STEPS = 3, 3, 43
_SLOW, _FEWEST_SLOW_STEPS = 3.0, 2
_GPU_TOGETHER, _PLACES = 10, 64
_STILL = 1e-9
_SAMPLE_CHARACTERS, _SHORT_SAMPLE, _FIRST_SAMPLE, _SAMPLE_LOGITS = 20_000, 5_000, 500, 1 << 24
_EVALUATION_SHARE, _MOST_LOOKS, _SHORT_LOOKS, _FEWEST_LOOKED_AT = 0.1, 20, 4, 5_000
_CHECKPOINT_SECONDS = 20.0
NO_END = 1 << 62
_MEMORY, _UNSETTLED, _TOLERATED = 0.8, 30, 0.02


class Speed(NamedTuple):
    """Seconds that one step takes here, and the evaluation of one held-back character."""

    step: float
    character: float


def measure(trainer: Trainer, seconds: float = math.inf) -> Speed:
    """Time steps and an evaluation on a copy of the trainer, which is left untouched.

    The steps take two seconds, or three hundredths of the run's `seconds`; but there are three of them at least, or two
    where they are slow.

    A GPU is waited for only after every few of them, as in a run.

    The copy hardly moves from its weights: what is timed is the same, and a rate that suits a long warm-up cannot
    throw it off its feet in these few steps.

    Raises:
        NotFiniteError: the weights give a loss or a gradient that is not finite.
    """
    scratch = replace(
        trainer,
        network=copy.deepcopy(trainer.network),
        recipe=trainer.recipe.with_settings(learning_rate=_STILL),
        schedule=Schedule(_MOST_STEPS, 0, 1 << 40, 1 << 40),
        progress=Progress(),
    )
    on_gpu = trainer.device.type == "cuda"
    patience, steps = min(_MEASURE_SECONDS, _MEASURE_SHARE * seconds), list[float]()
    hurried = patience < _MEASURE_SECONDS and not on_gpu
    together = _GPU_TOGETHER if on_gpu else 1
    last = began = time.perf_counter()
    for count, _ in enumerate(scratch.run(), 1):
        if count % together:
            continue
        if on_gpu:
            torch.cuda.synchronize()
        now = time.perf_counter()
        steps.append((now - last) / together)
        last = now
        gone = trainer.ranks.led(now - began)
        if len(steps) >= (_FEWEST_STEPS if gone < _SLOW * patience else _FEWEST_SLOW_STEPS) and gone > patience:
            break
    scratch.settle()
    character = 0.0
    if trainer.validation is not None:
        logits = _SAMPLE_LOGITS // scratch.network.config.vocabulary
        part = trainer.validation[: min(_SHORT_SAMPLE if hurried else _SAMPLE_CHARACTERS, max(_SHORT_SAMPLE, logits))]
        scratch.network.precision = torch.float32  # as `Trainer.evaluate` has it
        if hurried and len(part) >= _SHORT_SAMPLE:
            character = _evaluation_in_part(scratch.network, part, trainer.ranks) / len(part)
        else:
            for score in (windowed, streamed) if on_gpu else (windowed,):  # the first time, kernels are made
                score(scratch.network, part[:_FIRST_SAMPLE])
            character = _seconds(scratch.network, part, trainer.ranks) / len(part)
    warm = min(_WARM_STEPS, max(1, len(steps) - _FEWEST_STEPS + 1))
    return Speed(median(steps[warm:]), character)


def _seconds(network: Network, part: Ids, ranks: Ranks) -> float:
    """What an evaluation takes."""
    began = time.perf_counter()
    windowed(network, part, ranks=ranks)
    streamed(network, part, ranks=ranks)
    return time.perf_counter() - began


def _evaluation_in_part(network: Network, part: Ids, ranks: Ranks) -> float:
    """What an evaluation takes, from a few places of each of its windows and streams: all take as long as these."""
    windows, streams = len(part) // WINDOW, len(lanes(len(part) - 1).starts)
    windowed(network, part[: 2 * _PLACES], _PLACES)  # the first time, kernels are made
    began = time.perf_counter()
    windowed(network, part[: windows * _PLACES + 1], _PLACES, ranks=ranks)
    across = time.perf_counter() - began
    streamed(network, part[: streams * _PLACES + 1], streams=streams, ranks=ranks)
    along = time.perf_counter() - began - across
    return (across * WINDOW + along * len(part) / streams) / _PLACES


def schedule_for(recipe: Recipe, per_epoch: int, validates: bool) -> Schedule:
    """The schedule of a recipe whose duration is in steps or epochs."""
    steps = recipe.steps if recipe.steps is not None else max(1, round((recipe.epochs or 1) * per_epoch))
    return _with_intervals(recipe, per_epoch, validates, steps, math.ceil(steps / 10), 1000)


def schedule_in(
    recipe: Recipe, per_epoch: int, held_back: int, seconds: float, speed: Speed, most: int = NO_END
) -> Schedule:
    """The schedule that ends when `seconds` are over, evaluations included, at the measured speed.

    Or after `most` steps, where that is sooner. Where a single look at all `held_back` characters would take more than
    looks may take together, a part of them is looked at, a few times.
    """
    looked_at, share = min(held_back, VALIDATION_LIMIT), _EVALUATION_SHARE * max(0, seconds)
    if looked_at * speed.character > share and not recipe.evaluate_every:
        looked_at = min(looked_at, max(_FEWEST_LOOKED_AT, int(share / _SHORT_LOOKS / speed.character)))
    evaluation = looked_at * speed.character
    looks = 0
    if evaluation:
        looks = max(1, int(min(_MOST_LOOKS, share / evaluation)))
    if recipe.evaluate_every:
        cost = speed.step + evaluation / recipe.evaluate_every
        steps = max(1, int(seconds / cost))
    else:
        steps = max(1, int((seconds - looks * evaluation) / speed.step))
    steps = min(steps, most)
    between = max(1, int(_CHECKPOINT_SECONDS / speed.step))
    schedule = _with_intervals(recipe, per_epoch, held_back > 0, steps, math.ceil(steps / max(1, looks)), between)
    return replace(schedule, looked_at=looked_at)


class Ends(NamedTuple):
    """When a run ends although there is time.

    Attributes:
        most: after so many steps.
        patience: when no look has been the best one for so many steps.
    """

    most: int = NO_END
    patience: int = NO_END


class Pace:
    """Holds a run to its time: the machine may be slower or faster than when it was measured."""

    def __init__(self, seconds: float, evaluation: float, ends: Ends) -> None:
        """Plan for so many seconds, or an end before; an evaluation takes so long until one is timed."""
        self._seconds = seconds
        self._most, self._patience = ends
        self._evaluation = evaluation
        self._step = 0.0

    def steps(
        self, schedule: Schedule, done: int, spent: float, step: float, evaluation: float, since_best: int = 0
    ) -> int:
        """How many steps the schedule should have now.

        Args:
            schedule: what is planned.
            done: steps done.
            spent: seconds gone.
            step: seconds a step took lately.
            evaluation: seconds the last evaluation took; 0 for none yet.
            since_best: steps since the best look, where one was just had.
        """
        if since_best >= self._patience:
            return done
        self._step = step if not self._step else _MEMORY * self._step + (1 - _MEMORY) * step
        self._evaluation = evaluation or self._evaluation

        def seconds(steps: int) -> float:
            looks = replace(schedule, steps=steps).evaluations(done)
            return (steps - done) * self._step + looks * self._evaluation

        left = self._seconds - spent
        possible = range(done + 1, done + 2 + max(0, int(left / self._step)))
        wanted = min(done + max(1, bisect_right(possible, left, key=seconds)), max(self._most, done))
        settled = done < _UNSETTLED or abs(wanted - schedule.steps) <= _TOLERATED * (schedule.steps - done)
        return schedule.steps if settled or done >= schedule.steps else wanted


def _with_intervals(
    recipe: Recipe, per_epoch: int, validates: bool, steps: int, evaluate: int, checkpoint: int
) -> Schedule:
    if recipe.checkpoint_every:
        checkpoint = recipe.checkpoint_every
    elif recipe.checkpoint_epochs:
        checkpoint = max(1, round(recipe.checkpoint_epochs * per_epoch))
    return Schedule(
        steps=steps,
        evaluate_every=(recipe.evaluate_every or max(1, evaluate)) if validates else 0,
        checkpoint_every=checkpoint,
        apart=1 if recipe.evaluate_every else max(1, evaluate // 2),
    )
