"""What a run begins from: a model that the user names, or the one in the package where the text gains by it."""

import math
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from understudy.errors import ConfigError
from understudy.evaluation.baselines import kneser_ney
from understudy.evaluation.protocols import windowed
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.model.network import Network
from understudy.model.parameters import put_under
from understudy.model.rows import known_to
from understudy.runs.choice import KNOWN, Beginning, Promise, helps
from understudy.runs.material import Material
from understudy.runs.request import NOTHING, Request, shaped_like
from understudy.storage import sha256_of
from understudy.text.vocabulary import Vocabulary
from understudy.training.recipe import Recipe

BASE = "@base"
"""The model in the package that runs begin from."""
_JUDGED, _JUDGED_SHARE, _COUNTED = 8_192, 0.2, 200_000
"""Of what is learned from, the last so many characters, and this share at most, are predicted; counting knows so many
before them."""
_LOOKED_AT = 1 << 22
"""So many of the symbols learned from are counted, for how new ones begin."""


class Origin(NamedTuple):
    """The model that a run begins from.

    Attributes:
        model: itself.
        sha256: the digest of its file.
        boxed: its name, where it comes with the package.
    """

    model: ModelFile
    sha256: str
    boxed: str | None

    @classmethod
    def named(cls, name: str | Path) -> Self:
        """The model of that name.

        Raises:
            ModelFileError: there is none, or it is not an intact model of ours.
        """
        boxed = str(name) if str(name) in file.boxed() else None
        return cls(file.read(name), sha256_of(file.find(name)), boxed)

    @property
    def based(self) -> bool:
        """Whether it is the base, which knows much that is not the user's."""
        return self.boxed == BASE

    @property
    def kept(self) -> Vocabulary | None:
        """Symbols that the run's model has although its text may lack them: all that a model knows, but for the base.

        What the base has learned from is not the user's, and none of its characters must turn up in their texts.
        """
        return None if self.based else self.model.vocabulary

    def told(self) -> dict[str, Any]:
        """What is kept of it with the run: no path."""
        training = self.model.training
        told = {"name": training.get("corpus", {}).get("name"), "steps": training.get("steps"), "sha256": self.sha256}
        return told if self.boxed is None else {**told, "model": self.boxed}


class Found(NamedTuple):
    """The base and what it knows of the text, where a run gains by it."""

    origin: Origin | None = None
    promise: Promise | None = None


def beginning_of(told: dict[str, Any] | None) -> Beginning:
    """What a run began from, by what was kept of it."""
    if told is None:
        return Beginning.NOTHING
    return Beginning.BASE if told.get("model") == BASE else Beginning.MODEL


def counts_of(material: Material) -> NDArray[np.int64]:
    """How often each symbol comes in what is learned from, or in its first four million symbols, (V,)."""
    ids = material.train.read(0, min(len(material.train), _LOOKED_AT))
    return np.bincount(ids, minlength=len(material.vocabulary))


def promised(base: ModelFile, material: Material) -> Promise:
    """How well the base as it is, and counting, predict the end of what is to be learned from."""
    train, vocabulary = material.train, material.vocabulary
    counts, shared = counts_of(material), known_to(base.vocabulary, vocabulary)[0]
    known = float(counts[shared].sum() / counts.sum())
    if known < KNOWN:
        return Promise(math.inf, math.inf, known)
    cut = len(train) - max(2, min(_JUDGED, int(_JUDGED_SHARE * len(train))))
    network = Network(replace(base.config, vocabulary=len(vocabulary)))
    torch.nn.init.zeros_(network.embedding.weight)
    put_under(network, vocabulary, counts, base)
    before = train[max(0, cut - _COUNTED) : cut]
    counting = kneser_ney(before, train[cut:], len(vocabulary))
    return Promise(windowed(network, train[cut:]).loss, counting, known)


def found(request: Request, recipe: Recipe, material: Material, rate: float) -> Generator[str, None, Found]:
    """The base, where the run leaves open what it begins from and gains by it; yield a line that says so.

    Args:
        request: what the user asks.
        recipe: the recipe; its duration decides.
        material: what is learned from.
        rate: operations a second of a large matrix product on this machine.
    """
    leaves_open = request.origin is None and request.first is None
    if not leaves_open or material.vocabulary.kind != "characters" or recipe.initialization != "default":
        return Found()
    if BASE not in file.boxed():
        yield f"from nothing: {BASE} is missing in this installation"
        return Found()
    base = Origin.named(BASE)
    try:
        sized = shaped_like(base.model, recipe, request)
    except ConfigError as other_shape:
        yield f"from nothing: {other_shape.args[0].split(':')[0]} is not the size of {BASE}"
        return Found()
    promise = promised(base.model, material)
    if promise.known < KNOWN:
        yield f"from nothing: {BASE} knows {promise.known:.0%} of the text's characters"
        return Found()
    figures = (
        f"{BASE} as it is predicts the end of what is learned from with {promise.base:.2f} nats a character, counting "
        f"six characters with {promise.counting:.2f}"
    )
    if helps(promise, sized, len(material.train), len(material.vocabulary), rate):
        yield f"from {BASE}, which can write already (--from {NOTHING} begins from nothing): {figures}"
        return Found(base, promise)
    yield f"from nothing: {figures}"
    return Found()
