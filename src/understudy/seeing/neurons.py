"""What a model's units follow: their activations over a text, held against simple things in it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.generation.engine import Trace
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Floats
from understudy.model.config import ModelConfig

LOOKED_AT = 50_000
"""So many characters of a text are read, from its beginning on."""
_STEPS = 256
_NEAR, _FAR = 5, 120
_OPENING, _CLOSING = "([{", ")]}"
_QUOTED = {"“": True, "«": True, "”": False, "»": False}

Following = NDArray[np.float64]


class Follower(NamedTuple):
    """A unit, and how closely its activation follows a feature.

    Attributes:
        layer: which layer, from 0.
        unit: which unit of it, from 0.
        correlation: Pearson's r; its square is the share of the variance that a line through it explains.
    """

    layer: int
    unit: int
    correlation: float

    def named(self, layers: int) -> str:
        """Which one it is, of so many layers."""
        return f"layer {self.layer + 1}, unit {self.unit}" if layers > 1 else f"unit {self.unit}"


def activations(engine: PortableEngine, config: ModelConfig, ids: NDArray[np.int64]) -> Iterator[Floats]:
    """Every layer's h after each symbol of a text (N,), some at a time: (T, L, H)."""
    state = engine.zero_state(1)
    for start in range(0, len(ids), _STEPS):
        block = ids[start : start + _STEPS, None]
        hidden = np.empty((len(block), config.layers, 1, config.units), np.float32)
        _, state = engine.trace(block, state, Trace(hidden=hidden))
        yield hidden[:, :, 0]


def features(text: str) -> dict[str, Following]:
    """What a unit might follow, a number at each character, (N,), as it is once that character has been read."""
    made = {name: np.array(measure(text), np.float64) for name, measure in FEATURES.items()}
    return {name: numbers for name, numbers in made.items() if len(text) and numbers.std() > 0}


def followers(hidden: Floats, wanted: dict[str, Following], count: int = 3) -> dict[str, list[Follower]]:
    """The units that follow each feature best, the best first.

    Args:
        hidden: every layer's h after each symbol, (N, L, H).
        wanted: the features, (N,) each.
        count: how many units of each.
    """
    N, L, H = hidden.shape
    units = hidden.reshape(N, L * H).astype(np.float64)
    units = units - units.mean(0)
    spread = np.sqrt((units**2).sum(0))
    found = {}
    for name, numbers in wanted.items():
        centred = numbers - numbers.mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            correlations = np.nan_to_num(centred @ units / (spread * np.sqrt((centred**2).sum())))
        best = np.argsort(-np.abs(correlations), kind="stable")[:count]
        found[name] = [Follower(int(place) // H, int(place) % H, float(correlations[place])) for place in best]
    return found


def _quoted(text: str) -> list[bool]:
    inside, found = False, []
    for place, character in enumerate(text):
        if character == '"':
            inside = not inside
        elif character in _QUOTED:
            inside = _QUOTED[character]
        elif text[max(0, place - 1) : place + 1] == "\n\n":  # a mark that was left open ends with its paragraph
            inside = False
        found.append(inside)
    return found


def _bracketed(text: str) -> list[int]:
    depth, found = 0, []
    for character in text:
        depth = max(0, depth + (character in _OPENING) - (character in _CLOSING))
        found.append(depth)
    return found


def _in_line(text: str) -> list[int]:
    place, found = 0, []
    for character in text:
        place = 0 if character == "\n" else place + 1
        found.append(min(place, _FAR))
    return found


def _indented(text: str) -> list[int]:
    depth, leading, found = 0, True, []
    for character in text:
        if character == "\n":
            depth, leading = 0, True
        elif leading and character in " \t":
            depth += 1
        else:
            leading = False
        found.append(min(depth, _FAR))
    return found


def _ending(text: str) -> list[bool]:
    distance, found = _FAR, []
    for character in reversed(text):
        found.append(distance < _NEAR)
        distance = 0 if character == "\n" else distance + 1
    return found[::-1]


FEATURES: dict[str, Callable[[str], list[bool] | list[int]]] = {
    "inside quotation marks": _quoted,
    "inside brackets": _bracketed,
    "position in the line": _in_line,
    "indentation of the line": _indented,
    "the line's end is near": _ending,
    "after a capital": lambda text: [character.isupper() for character in text],
    "inside a word": lambda text: [character.isalpha() for character in text],
    "after a digit": lambda text: [character.isdigit() for character in text],
    "after white space": lambda text: [character.isspace() for character in text],
}
