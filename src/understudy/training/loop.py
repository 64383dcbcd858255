"""The one training loop."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from understudy.evaluation.protocols import Score, streamed, windowed
from understudy.model.network import Network, State
from understudy.ranks.contract import Alone, Ranks
from understudy.text.batches import Batches
from understudy.text.encoded import Ids
from understudy.training import temperature
from understudy.training.captured import CapturedUpdates
from understudy.training.optimizer import Optimizer
from understudy.training.recipe import Recipe
from understudy.training.schedule import Schedule, learning_rate
from understudy.training.update import EagerUpdates, Updates


@dataclass
class Progress:
    """Where a run stands; together with weights, optimiser and carried state, all that its future depends on.

    Attributes:
        step: steps done.
        best_loss: lowest windowed validation loss so far (nats); infinite before the first.
        best_streamed: the streamed loss (nats) of the same evaluation.
        best_step: when that was.
        rate_scale: what the schedule's rate is multiplied by; halved at each setback.
        setbacks: how often the run went back because numbers were not finite.
        loss_sum: sum of the losses since the last report.
        loss_steps: how many they are.
        train_loss: mean loss of the last report.
        characters: characters learned from.
        seconds: time spent in steps and evaluations, over all sittings.
    """

    step: int = 0
    best_loss: float = math.inf
    best_streamed: float = math.inf
    best_step: int = 0
    rate_scale: float = 1.0
    setbacks: int = 0
    loss_sum: float = 0.0
    loss_steps: int = 0
    train_loss: float = math.inf
    characters: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What a run tells now and then. Losses are mean nats a character.

    Attributes:
        step: steps done.
        epoch: passes over the text done, with a fraction.
        train_loss: mean over the steps since the last report.
        learning_rate: of the last step.
        characters_per_second: learned from since the last report.
        gradient_norm: of the last step, before clipping.
        windowed: the validation text in windows, where the report comes with an evaluation.
        streamed: the validation text with the state carried.
        best: whether this evaluation is the best so far.
        seconds: spent in steps and evaluations, over all sittings.
    """

    step: int
    epoch: float
    train_loss: float
    learning_rate: float
    characters_per_second: float
    gradient_norm: float
    windowed: Score | None = None
    streamed: Score | None = None
    best: bool = False
    seconds: float = 0.0

    def to_document(self) -> dict[str, Any]:
        """The report as a line of `metrics.jsonl` has it."""
        document: dict[str, Any] = {
            "step": self.step,
            "epoch": self.epoch,
            "train_loss": self.train_loss,
            "learning_rate": self.learning_rate,
            "characters_per_second": self.characters_per_second,
            "gradient_norm": self.gradient_norm,
            "seconds": self.seconds,
        }
        if self.windowed is not None and self.streamed is not None:
            document["validation_loss"] = self.windowed.loss
            document["validation_loss_streamed"] = self.streamed.loss
            document["validation_characters"] = self.windowed.characters
            document["bits_per_character"] = self.streamed.bits_per_character
            document["best"] = self.best
        return document


@dataclass
class Trainer:
    """A network in training. `run` goes on from wherever `progress`, `updates.state` and `optimizer` stand.

    Between two steps the caller may give it another schedule.

    Attributes:
        ranks: the processes that share the run; the network is the same in each, the batches are their parts.
        evaluation_seconds: what the last evaluation took.
        temperature: what the logits of `kept` are divided by; each evaluation fits it anew where the recipe says so.
    """

    network: Network
    recipe: Recipe
    schedule: Schedule
    batches: Batches
    validation: Ids | None
    progress: Progress = field(default_factory=Progress)
    ranks: Ranks = field(default_factory=Alone)

    def __post_init__(self) -> None:
        self.device = self.network.output.weight.device
        near = self.ranks.near if self.device.type == "cpu" else None
        self.optimizer = Optimizer(self.network, self.recipe, near)
        kind = CapturedUpdates if self.device.type == "cuda" else EagerUpdates
        self.updates: Updates = kind(self.network, self.optimizer, self.recipe, self.ranks)
        self.evaluation_seconds = 0.0
        self.temperature = 1.0
        self._kept: Network | None = None

    @property
    def state(self) -> State:
        """What the network carries from batch to batch, of this rank's lanes."""
        return self.updates.state

    @state.setter
    def state(self, state: State) -> None:
        self.updates.state = state

    @property
    def kept(self) -> Network:
        """What is evaluated and kept: the network, or one with the running mean of its weights, or another temperature.

        It is the same object until the next call, which fills it anew.
        """
        averages = self.recipe.average and self.progress.step
        if not averages and self.temperature == 1:
            return self.network
        if self._kept is None:
            self._kept = copy.deepcopy(self.network)
        with torch.no_grad():
            source = self.optimizer.averages() if averages else self.network.parameters()
            for mine, theirs in zip(self._kept.parameters(), source, strict=True):
                mine.copy_(theirs)
        temperature.put_in(self._kept, self.temperature)
        return self._kept

    def run(self) -> Iterator[Report | None]:
        """Train to the end of the schedule, yielding after every step: a report where one is due, else None.

        The caller may stop between any two steps, and save what stands here.

        Raises:
            NotFiniteError: a loss or gradient is not finite.
        """
        progress, recipe = self.progress, self.recipe
        began, learned = time.perf_counter(), 0
        while progress.step < self.schedule.steps:
            schedule, before = self.schedule, time.perf_counter()
            rate = learning_rate(recipe, progress.step, schedule.steps) * progress.rate_scale
            batch = self.batches[progress.step]
            self.updates.take(batch, progress.step, rate)
            progress.step += 1
            progress.loss_steps += 1
            progress.characters += len(batch.targets) * recipe.batch_size
            learned += len(batch.targets) * recipe.batch_size
            due = schedule.reports_at(progress.step)
            asked = due or self.updates.immediate or schedule.saves_at(progress.step)
            norm = self.settle() if asked else 0.0
            now = time.perf_counter()
            progress.seconds += now - before
            if not due:
                yield None
                continue
            progress.train_loss = progress.loss_sum / progress.loss_steps
            progress.loss_sum, progress.loss_steps = 0.0, 0
            self.updates.restart(0.0)
            speed = learned / (now - began)
            scores = self.evaluate() if schedule.evaluates_at(progress.step) else (None, None)
            best = self._note_best(*scores)
            looked = time.perf_counter() - now
            progress.seconds += looked
            if scores[0] is not None:
                self.evaluation_seconds = looked
            epoch = progress.step / self.batches.per_epoch
            yield Report(progress.step, epoch, progress.train_loss, rate, speed, norm, *scores, best, progress.seconds)
            began, learned = time.perf_counter(), 0

    def settle(self) -> float:
        """Bring `progress.loss_sum` up to the last step; the norm of its gradient before clipping.

        Raises:
            NotFiniteError: a loss or gradient since the last report is not finite.
        """
        self.progress.loss_sum, norm = self.updates.losses()
        return norm

    def evaluate(self) -> tuple[Score | None, Score | None]:
        """As much of the validation text as the schedule says, windowed and streamed, in float32; None without any."""
        if self.validation is None:
            return None, None
        ids = self.validation[: self.schedule.looked_at]
        if self.recipe.calibration == "temperature" and len(self.validation) <= temperature.SHORT:
            self.temperature = 1.0
            self.temperature = self.ranks.led(temperature.fitted(_exact(self.kept), ids))
        exact = _exact(self.kept)
        return windowed(exact, ids, ranks=self.ranks), streamed(exact, ids, ranks=self.ranks)

    def _note_best(self, windowed: Score | None, streamed: Score | None) -> bool:
        if windowed is None or streamed is None or not windowed.loss < self.progress.best_loss:
            return False
        self.progress.best_loss, self.progress.best_streamed = windowed.loss, streamed.loss
        self.progress.best_step = self.progress.step
        return True


def _exact(network: Network) -> Network:
    """The same parameters, with products in float32."""
    exact = copy.copy(network)
    exact.precision = torch.float32
    return exact
