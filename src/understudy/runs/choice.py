"""From the text's size and the time to a size of model: what `--preset auto` leaves open.

The rules were fitted to the trials in docs/recipe.md.
"""

import math
from enum import Enum
from typing import Any, NamedTuple

from understudy.runs.estimate import learned_in, parameters
from understudy.training.recipe import Recipe

SIZES = {128: 0, 256: 0, 384: 0, 512: 0, 640: 150_000, 768: 400_000, 1024: 700_000}
"""The units to choose from, each with the characters of text from which on it is no waste."""
ENOUGH, ENOUGH_FOR_SMALL, SMALL_SIZE = 2.2, 1.5, 256
"""A size is worth its time from so many characters learned from for each of its parameters; a small size sooner,
because in a few seconds an even smaller one hardly makes more steps."""
SYMBOLS_COUNT = 0.15
"""As so much of a parameter counts one of the embedding or the output layer: a character moves few of them."""
SAFE_PASSES, LARGE_SAFE_PASSES = 4, 7
"""So many passes over a text need no dropout, by whether it has `SMALL` characters; from there it grows evenly, to its
most at `MOST_PASSES`."""
MOST_PASSES = 12
"""After so many passes a model begins to know the text by heart, whatever is dropped."""
SMALL = 400_000
"""Texts of fewer characters are learned at other rates."""
RATES = {(False, False): 24e-3, (True, False): 36e-3, (False, True): 8e-3, (True, True): 3e-3}
"""The highest rate, by whether the text is small and whether the weights are another model's."""
MOST_DROPOUT, LARGE_DROPOUT = 0.5, 0.3
"""So much is dropped at most; the latter of texts from `SMALL` characters on, if a symbol comes often enough."""
LESS_DROPOUT, LESS_FROM, RARE = 0.4, 40_000, 50
"""The most for texts from so many characters up to `SMALL`; and how often a symbol must come in a text for less than
`MOST_DROPOUT`."""
LANES = ((40_000, 8), (200_000, 16), (SMALL, 32))
"""Characters of text up to which there are so many lanes."""
WIDE = 640
"""From so many units on, Muon's products are a third of a step, and 64 lanes share them."""
NGRAM_ROWS = 131_071
"""Rows of the table of n-grams for each length, where there is one."""
NGRAM_FROM, NGRAM_PASSES = 2_000_000, 2.0
"""A text of so many characters gets one, if there is time to read it at most so many times without. It is then read
once: a second reading would meet rows that have just learned this very text."""
ENOUGH_WITH_NGRAMS = 3.0
"""`ENOUGH` beside a table: the table knows more the more is read, and leaves less to the matrices."""
KNOWN, GAP = 0.95, 1.2
"""The base is begun from where it knows such a share of the text, and is so many nats behind counting at most."""
BASE_RATES = ((40_000, 1.5e-3), (SMALL, 2e-3), (math.inf, 6e-3))
"""Characters of text up to which so much is the highest rate from the base, where it can write such a text already."""
BASE_MOMENTUM, BASE_BATCH = {"momentum": 0.9}, {"batch_size": 32, "sequence_length": 128}
"""From the base, larger texts are learned by few steps, each of which costs much: a shorter memory of the gradients
lets them turn sooner, and lanes that are half as many and look twice as far back give a step as many characters. On a
GPU they would take twice as long."""
SPREAD = 0.5
"""Where there is time to read less than this share of the text, it is read in more places: the lanes stay as many."""
FAMILIAR, DOUBLES, FASTEST = 1.5, 0.4, 6.0
"""A text that takes the base so many nats as it is counts as one that it can write already; with each so many more the
rate doubles, up to so many times: the less of what the base knows is of use, the less is lost with it. Decay grows with
the rate, from none to the recipe's own: it would take from what the base knows."""
BASE_PASSES, FEWEST_BASE_PASSES = 2.0, 3.0
"""From the base, larger texts are read so many times for each time that the rate is the slowest one, and so many at
least: where much of the base stays a text is known by heart sooner, and dropout only costs."""
TURNED = 2.0
"""From the base, a run on a text of fewer than `SMALL` characters ends when it has become no better for so many passes:
some such texts are known by heart after two, and others like themselves go on being learned for ten."""
MOST_AVERAGE, MEAN_RATE, MEAN_PASSES = 0.9995, 3.0, 2.0
"""The longest memory of the weights' running mean. From the base it grows to all of a run that reads the text three
times, from so many passes on, and the less the nearer the rate is to so many times the slowest one: staying nearer to
the base is worth a hundredth there, and costs up to four where there is less time or less of the base stays."""
BASE_SHARE = 0.1
"""A text that would get a table of n-grams is begun from the base only if there is no time to read this share."""


class Beginning(Enum):
    """What a run begins from."""

    NOTHING = "nothing"
    MODEL = "a model of the user's"
    BASE = "the base"


class Promise(NamedTuple):
    """How well the end of what is learned from is predicted before anything is learned, in nats a character.

    Attributes:
        base: what the base comes to, as it is.
        counting: what counting six characters in the text before it comes to.
        known: the share of what is learned from whose characters the base knows; where it is too small for the base to
            be of use, nothing else is looked at.
    """

    base: float
    counting: float
    known: float

    @property
    def near(self) -> bool:
        """Whether the base is near enough to the text to be of use."""
        return self.known >= KNOWN and self.base < self.counting + GAP


def helps(promise: Promise, recipe: Recipe, characters: int, symbols: int, rate: float) -> bool:
    """Whether a run gains by beginning from the base.

    Args:
        promise: what the base knows of the text.
        recipe: the recipe, of the base's size; its duration decides.
        characters: how many there are to learn from.
        symbols: V, how many of them are different.
        rate: operations a second of a large matrix product on this machine.
    """
    if not promise.near:
        return False
    lanes = _sized(recipe, recipe.units, characters, {})
    return characters < NGRAM_FROM or learned_in(lanes, characters, symbols, rate) < BASE_SHARE * characters


def choose(
    recipe: Recipe,
    characters: int,
    symbols: int,
    rate: float,
    given: dict[str, Any],
    beginning: Beginning = Beginning.NOTHING,
    promise: Promise | None = None,
) -> tuple[Recipe, list[str]]:
    """Fill in what the user left open; the recipe, and what was chosen and why, a line each.

    Args:
        recipe: the recipe; its duration decides.
        characters: how many there are to learn from.
        symbols: V, how many of them are different.
        rate: operations a second of a large matrix product on this machine.
        given: the settings that are not to be touched.
        beginning: where the weights come from; a fast rate would make a model forget.
        promise: what the base knows of the text, where a run begins from it with no rate or no decay of the user's.
    """
    going_on = beginning is not Beginning.NOTHING
    if "learning_rate" not in given:
        recipe = recipe.with_settings(learning_rate=_rate(characters, beginning, promise))
    if "weight_decay" not in given and beginning is Beginning.BASE:
        recipe = recipe.with_settings(weight_decay=_decay(recipe.weight_decay, promise))
    if "units" not in given:
        recipe = recipe.with_settings(units=_units(recipe, characters, symbols, rate, given))
    recipe = _sized(recipe, recipe.units, characters, given)
    if beginning is Beginning.BASE and characters >= SMALL:
        fewer = recipe.device != "cuda" and learned_in(recipe, characters, symbols, rate) >= SPREAD * characters
        steps = BASE_MOMENTUM | BASE_BATCH if fewer else BASE_MOMENTUM
        recipe = recipe.with_settings(**{name: value for name, value in steps.items() if name not in given})
    if "ngrams" not in given and not going_on and recipe.device != "cuda" and characters >= NGRAM_FROM:
        recipe = _with_ngrams(recipe, characters, symbols, rate, given)
    passes = min(most_passes(recipe, characters, beginning), learned_in(recipe, characters, symbols, rate) / characters)
    turns = waits(characters, beginning) is not None
    dropout = 0.0 if turns else _dropout(characters, symbols, passes)
    if promise is not None and not turns and "average" not in given:
        recipe = recipe.with_settings(average=_average(recipe, characters, passes, promise))
    lines = []
    if "units" not in given:
        lines.append(f"size: {recipe.units} units, which suit {characters:,} characters and the time on this machine")
    if recipe.ngrams and "ngrams" not in given:
        lines.append(
            "n-grams: a table of them, which learns what it reads once; there is no time to read the text often"
        )
    if "dropout" not in given:
        lines.append(_dropout_line(dropout, passes, turns=turns))
        recipe = recipe.with_settings(dropout=dropout)
    return recipe, lines


def _average(recipe: Recipe, characters: int, passes: float, promise: Promise) -> float:
    """The memory of the running mean: of all steps, the first of which are near the base, where that is of use."""
    near = max(0.0, (MEAN_RATE - _faster(promise)) / (MEAN_RATE - 1))
    often = min(1.0, max(0.0, (passes - MEAN_PASSES) / (FEWEST_BASE_PASSES - MEAN_PASSES)))
    steps = max(1.0, near * often * passes * characters / (recipe.batch_size * recipe.sequence_length))
    return min(MOST_AVERAGE, max(recipe.average, round(1 - 1 / steps, 4)))


def _dropout(characters: int, symbols: int, passes: float) -> float:
    """What is dropped of a text that there is time to read so many times."""
    often = characters >= RARE * symbols
    if often and characters >= SMALL:
        safe, most = LARGE_SAFE_PASSES, LARGE_DROPOUT
    else:
        safe, most = SAFE_PASSES, LESS_DROPOUT if often and characters >= LESS_FROM else MOST_DROPOUT
    return round(most * max(0, passes - safe) / (MOST_PASSES - safe), 2)


def _dropout_line(dropout: float, passes: float, *, turns: bool) -> str:
    """What is dropped, and why so much."""
    if turns:
        return "no dropout: it gains nothing where the text is small and the beginning can write already"
    share = f"dropout {dropout:.0%}" if dropout else "no dropout"
    why = "often enough to learn it by heart" if dropout else "too seldom to learn it by heart"
    return f"{share}: there is time to read {_about(passes)}, {why}"


def _about(passes: float) -> str:
    """So many passes in words."""
    if passes < 1.5:
        return "the text about once" if passes > 0.75 else "a part of the text"
    return f"the text about {passes:,.0f} times"


def waits(characters: int, beginning: Beginning) -> float | None:
    """For how many passes a run goes on without becoming better; None where it does so to its end."""
    return TURNED if beginning is Beginning.BASE and characters < SMALL else None


def most_passes(recipe: Recipe, characters: int, beginning: Beginning = Beginning.NOTHING) -> float:
    """After so many passes over the text a run stops: what more of them teach is the text by heart."""
    if recipe.ngrams:
        return 1
    if beginning is Beginning.BASE and characters >= SMALL:
        return min(MOST_PASSES, max(FEWEST_BASE_PASSES, BASE_PASSES * recipe.learning_rate / BASE_RATES[-1][1]))
    return MOST_PASSES


def _rate(characters: int, beginning: Beginning, promise: Promise | None) -> float:
    """The highest rate: at a fast one a model forgets what it knows, and the base knows more than a small text."""
    if beginning is Beginning.BASE:
        rate = next(rate for most, rate in BASE_RATES if characters < most)
        return float(f"{rate * _faster(promise):.2g}")
    return RATES[characters < SMALL, beginning is Beginning.MODEL]


def _faster(promise: Promise | None) -> float:
    """How many times as fast as one that it can write already a text is learned from the base."""
    assert promise is not None, "the rate from the base depends on what it knows of the text"
    return min(FASTEST, 2 ** max(0.0, min(promise.base - FAMILIAR, 64.0) / DOUBLES))


def _decay(most: float, promise: Promise | None) -> float:
    """The decay from the base: it goes from the weights with which the base writes, not from those of nothing."""
    return float(f"{most * (_faster(promise) - 1) / (FASTEST - 1):.2g}")


def _with_ngrams(recipe: Recipe, characters: int, symbols: int, rate: float, given: dict[str, Any]) -> Recipe:
    """The recipe with a table of n-grams and a size that goes with it, unless there is time to read the text often."""
    if learned_in(recipe, characters, symbols, rate) > NGRAM_PASSES * characters:
        return recipe
    with_table = recipe.with_settings(ngrams=NGRAM_ROWS)
    units = recipe.units if "units" in given else _units(with_table, characters, symbols, rate, given)
    return _sized(with_table, units, characters, given)


def _units(recipe: Recipe, characters: int, symbols: int, rate: float, given: dict[str, Any]) -> int:
    """The largest size that the time and the text are enough for."""
    fitting = min(SIZES)
    for units, fewest in SIZES.items():
        sized = _sized(recipe, units, characters, given)
        layers, of_symbols = parameters(sized, symbols)
        weights = layers + SYMBOLS_COUNT * of_symbols
        learned = learned_in(sized, characters, symbols, rate)
        without = ENOUGH_FOR_SMALL if units <= SMALL_SIZE else ENOUGH
        enough = ENOUGH_WITH_NGRAMS if recipe.ngrams else without
        if characters >= fewest and learned >= min(enough * weights, most_passes(recipe, characters) * characters):
            fitting = units
    return fitting


def _sized(recipe: Recipe, units: int, characters: int, given: dict[str, Any]) -> Recipe:
    """The recipe with that size, and lanes as the text and the size want them."""
    lanes = next((lanes for most, lanes in LANES if characters < most), 64 if units >= WIDE else 32)
    return recipe.with_settings(units=units, batch_size=given.get("batch_size", lanes))
