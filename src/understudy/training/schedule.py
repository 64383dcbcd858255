"""What a recipe comes to: numbers of steps, and the learning rate at each of them."""

import math
from dataclasses import dataclass

from understudy.training.recipe import Recipe

VALIDATION_LIMIT = 1 << 20
"""Of a longer validation text, the first so many characters are looked at while training."""


@dataclass(frozen=True)
class Schedule:
    """What a recipe comes to for one text on one machine: numbers of steps, recorded so that a run repeats.

    Attributes:
        steps: how long the run is.
        evaluate_every: steps between evaluations; 0 for none.
        checkpoint_every: steps between checkpoints.
        report_every: steps between reports.
        looked_at: of the held-back text, the first so many characters are evaluated.
        apart: no evaluation comes fewer steps than these before the last step's.
    """

    steps: int
    evaluate_every: int
    checkpoint_every: int
    report_every: int = 10
    looked_at: int = VALIDATION_LIMIT
    apart: int = 1

    def evaluates_at(self, step: int) -> bool:
        """Whether the model is evaluated when `step` steps are done."""
        if not self.evaluate_every:
            return False
        return step == self.steps or (step % self.evaluate_every == 0 and step <= self.steps - self.apart)

    def evaluations(self, done: int) -> int:
        """How many evaluations are to come after `done` steps."""
        if not self.evaluate_every or done >= self.steps:
            return 0
        return 1 + max(0, (self.steps - self.apart) // self.evaluate_every - done // self.evaluate_every)

    def saves_at(self, step: int) -> bool:
        """Whether a checkpoint is due when `step` steps are done."""
        return step % self.checkpoint_every == 0 or step == self.steps

    def reports_at(self, step: int) -> bool:
        """Whether a report is due when `step` steps are done."""
        return step % self.report_every == 0 or step == self.steps or self.evaluates_at(step)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate of step number `step`, counted from 0: a linear warm-up, then constant or a half cosine to 1%."""
    warm = round(recipe.warmup * steps)
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    if recipe.schedule == "constant":
        return recipe.learning_rate
    through = (step - warm) / max(1, steps - warm)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * through)) / 2)
