"""From the text's size and the time to a size of model: what `--preset auto` leaves open.

The rule was fitted to the trials in docs/recipe.md. Time is counted in seconds of a machine with `REFERENCE_RATE`.
"""

from typing import Any, NamedTuple

from understudy.training.recipe import CHOSEN, Recipe

REFERENCE_RATE = 4e11
"""Operations a second of a large bfloat16 matrix product on the machine of the trials."""


class Size(NamedTuple):
    """A size of model, and when it is the best.

    Attributes:
        units: H.
        learning_rate: the highest rate that suits it.
        speed: characters a second that it learns from, on the machine of the trials.
        seconds: from how many seconds of training on.
        characters: from how many characters of text on.
    """

    units: int
    learning_rate: float
    speed: float
    seconds: float
    characters: int


SIZES = (
    Size(128, 16e-3, 250_000, 0, 0),
    Size(256, 16e-3, 130_000, 5, 40_000),
    Size(384, 12e-3, 50_000, 25, 400_000),
    Size(512, 12e-3, 30_000, 200, 600_000),
    Size(640, 10e-3, 20_000, 500, 800_000),
)
DROPOUTS = ((4, 0.0), (7, 0.15), (10, 0.3))
"""Passes over the text up to which a share is dropped; beyond them `MOST_DROPOUT`."""
MOST_DROPOUT = 0.5
MOST_PASSES = 12
"""After so many passes a model of the sizes above begins to know the text by heart, whatever is dropped."""


def choose(recipe: Recipe, characters: int, rate: float, given: dict[str, Any]) -> tuple[Recipe, list[str]]:
    """Fill in what the user left open; the recipe, and what was chosen and why, a line each.

    Args:
        recipe: the recipe; its duration decides.
        characters: how many there are to learn from.
        rate: operations a second of a large matrix product on this machine.
        given: the settings that are not to be touched.
    """
    seconds = _seconds(recipe, characters, rate)
    fitting = [size for size in SIZES if seconds >= size.seconds and characters >= size.characters]
    size = fitting[-1]
    if "units" in given:
        size = min(SIZES, key=lambda other: abs(other.units - recipe.units))
    passes = seconds * size.speed / characters
    dropout = next((share for most, share in DROPOUTS if passes < most), MOST_DROPOUT)
    batch = 32 if characters >= 400_000 else 16 if characters >= 40_000 else 8
    chosen = {"units": size.units, "dropout": dropout, "learning_rate": size.learning_rate, "batch_size": batch}
    left = {name: chosen[name] for name in CHOSEN if name not in given}
    lines = []
    if "units" in left:
        lines.append(f"size: {size.units} units, which suit {characters:,} characters and the time on this machine")
    if "dropout" in left:
        share = f"dropout {dropout:.0%}" if dropout else "no dropout"
        why = "often enough to learn it by heart" if dropout else "too seldom to learn it by heart"
        lines.append(f"{share}: there is time to read the text about {passes:,.0f} times, {why}")
    return recipe.with_settings(**left), lines


def _seconds(recipe: Recipe, characters: int, rate: float) -> float:
    """The training time in seconds of the machine of the trials."""
    if recipe.minutes is not None:
        return 60 * recipe.minutes * rate / REFERENCE_RATE
    places = recipe.batch_size * recipe.sequence_length
    learned = recipe.steps * places if recipe.steps is not None else (recipe.epochs or 1) * characters
    return learned / SIZES[2].speed
