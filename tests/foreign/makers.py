"""What TensorFlow, Keras and PyTorch made, and computed with it: see scripts/foreign_fixtures.py."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

FIXTURES = Path(__file__).with_name("fixtures")
MAKERS = ("keras", "tf_keras", "torch")
ALPHABET = "\n abcdefghi"
"""As many characters as the models have symbols."""


@cache
def computed(maker: str) -> dict[str, NDArray[Any]]:
    """What a maker computed: `ids` (T,), and for each model its logits (T, V)."""
    return load_file(FIXTURES / f"{maker}.safetensors")


def files_of(model: str) -> Iterator[Path]:
    """The files and folders that hold a model."""
    for path in sorted(FIXTURES.iterdir()):
        rest = path.name.removeprefix(model)
        if rest != path.name and (rest[:1] == "." or rest in ("-checkpoint", "-weights.h5")):
            yield path


def cases() -> list[tuple[str, str, Path]]:
    """Every maker, model and file of it."""
    return [
        (maker, model, path)
        for maker in MAKERS
        for model in sorted(computed(maker))
        if model != "ids"
        for path in files_of(model)
    ]


def log_probabilities(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Logits without the constant of each row, which some makers leave out."""
    exact = logits.astype(np.float64)
    return np.asarray(exact - np.logaddexp.reduce(exact, axis=1, keepdims=True), np.float64)
