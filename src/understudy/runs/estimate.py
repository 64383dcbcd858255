"""How much a run learns from in its time, estimated before anything is measured: what a choice is made by.

Fitted to steps timed on two cores with AVX-512, and on an H200 (docs/performance.md).
"""

from understudy.model.config import GATES
from understudy.training.recipe import Recipe

_LEARNING = 0.93
"""The share of the time after the first step that is spent in steps and not in looks."""
_BEFORE = {"cpu": 2.5, "cuda": 5.5}
"""Seconds that go before the first step; CUDA has to begin too."""
_LEAN, _ELEMENTWISE, _UPDATE, _CALLS, _TABLE, _MUON = 0.85, 6e-9, 5e-9, 3e-3, 4e-3, 34
"""What a step costs on a CPU: the rate of products of few rows beside a large one's; seconds for each unit and symbol
of each place, for what is done element by element; seconds to update one parameter; seconds of Python; those of a
table of n-grams; Muon's operations for each H³ of an LSTM, were none of its products cut in half."""
_GPU_PLACE = {"bfloat16": (11e-6, 9.3e-9), "float32": (0.0, 9e-8)}
"""Seconds that a layer takes from one place to the next on a GPU, there and back, whatever the lanes; and those that
each unit adds."""
_GPU_LAYER, _GPU_ELEMENT = 4e-4, 1.1e-10
"""Seconds that updating a layer takes, nearly all of them the starts of small kernels; and those of an output."""


def learned_in(recipe: Recipe, characters: int, symbols: int, rate: float) -> float:
    """How many characters a run of this recipe learns from.

    Args:
        recipe: the recipe, with a size; its duration decides.
        characters: how many there are to learn from.
        symbols: V, how many of them are different.
        rate: operations a second of a large matrix product on this machine.
    """
    places = recipe.batch_size * recipe.sequence_length
    if recipe.minutes is not None:
        device = "cuda" if recipe.device == "cuda" else "cpu"
        seconds = _LEARNING * max(0.0, 60 * recipe.minutes - _BEFORE[device])
        step = _gpu_step(recipe, symbols, rate) if device == "cuda" else _cpu_step(recipe, symbols, rate)
        return seconds / step * places
    return recipe.steps * places if recipe.steps is not None else (recipe.epochs or 1) * characters


def parameters(recipe: Recipe, symbols: int) -> tuple[int, int]:
    """How many the layers have; and those of the embedding and the output layer, which symbols bring."""
    H, E, L = recipe.units, recipe.embedding, recipe.layers
    return GATES[recipe.cell] * H * (E + (2 * L - 1) * H), symbols * (E + H)


def _matrices(recipe: Recipe) -> int:
    """How many elements the matrices have that every place is multiplied with."""
    H, G = recipe.units, GATES[recipe.cell]
    ngrams = G * H * recipe.embedding if recipe.ngrams else 0  # what is read is then not looked up
    return G * H * H * (2 * recipe.layers - 1) + ngrams


def _cpu_step(recipe: Recipe, symbols: int, rate: float) -> float:
    """About how long a step takes: products there and back, Muon's, what is done element by element, and Python."""
    H, G, places = recipe.units, GATES[recipe.cell], recipe.batch_size * recipe.sequence_length
    update = _UPDATE * sum(parameters(recipe, symbols))
    muon = _MUON * G / 4 * H**3 * (2 * recipe.layers - 1) if recipe.optimizer == "muon" else 0
    products = (6 * (_matrices(recipe) + symbols * H) * places / _LEAN + muon) / rate
    calls = _CALLS + (_TABLE if recipe.ngrams else 0)
    return products + _ELEMENTWISE * places * (H * recipe.layers + symbols) + update + calls


def _gpu_step(recipe: Recipe, symbols: int, rate: float) -> float:
    """About how long a recorded step takes: from place to place, or the products where those take longer."""
    H, L, places = recipe.units, recipe.layers, recipe.batch_size * recipe.sequence_length
    place, unit = _GPU_PLACE["float32" if recipe.precision == "float32" else "bfloat16"]
    along = L * recipe.sequence_length * (place + unit * H)
    products = 6 * (_matrices(recipe) + symbols * H) * places / rate
    return max(along, products) + L * (_GPU_LAYER + _GPU_ELEMENT * places * H)
