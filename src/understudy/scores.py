"""What scoring a text gives: a number for each of its symbols, and the text that they are of."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from understudy.text.vocabulary import Vocabulary


class TextScore(NDArrayOperatorsMixin):
    """How surprising each character of a text is (each byte, to a model of bytes). It serves as an array (N,) does.

    In a notebook it is the text, coloured by surprise.

    Attributes:
        text: the text.
        nats: of each symbol, (N,), float32; not a number where nothing was predicted.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str, nats: NDArray[np.float32], vocabulary: Vocabulary) -> None:
        self.text, self.nats = text, nats
        self._vocabulary = vocabulary

    @property
    def mean(self) -> float:
        """Mean nats of what was predicted; not a number where nothing was."""
        predicted = self.nats[~np.isnan(self.nats)]
        return float(predicted.mean(dtype=np.float64)) if len(predicted) else math.nan

    @property
    def bits(self) -> float:
        """The mean in bits."""
        return self.mean / math.log(2)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.nats, dtype) if copy else np.asarray(self.nats, dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        if "out" in settings:
            settings["out"] = _plain(settings["out"])
        return getattr(ufunc, method)(*_plain(inputs), **settings)

    def __array_function__(self, function: Any, types: Any, given: Any, settings: Any) -> Any:
        return function(*_plain(given), **{name: _plain(value) for name, value in settings.items()})

    def __len__(self) -> int:
        return len(self.nats)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.nats)

    def __getitem__(self, place: Any) -> Any:
        return self.nats[_plain(place)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "nats":  # not there yet, as while it is copied
            raise AttributeError(name)
        return getattr(self.nats, name)

    def __repr__(self) -> str:
        return f"<TextScore: {self._told()}>"

    def _repr_html_(self) -> str:
        from understudy.seeing.coloured import coloured
        from understudy.seeing.levels import characters

        codes = self._vocabulary.codes(self.text)
        known = self._vocabulary.table()[codes] >= 0
        return coloured(characters(codes, self.nats, known, self._vocabulary.kind), self._told())

    def _told(self) -> str:
        unit = "character" if self._vocabulary.kind == "characters" else "byte"
        count, predicted = len(self.nats), int((~np.isnan(self.nats)).sum())
        told = f"{count:,} {unit}{'' if count == 1 else 's'}"
        if not predicted:
            return f"{told}, none of them predicted"
        rest = f", {count - predicted:,} not predicted" if predicted < count else ""
        return f"{told}, {self.mean:.3f} nats each ({self.bits:.3f} bits){rest}"


def _plain(value: Any) -> Any:
    """A value with arrays in place of scores."""
    if isinstance(value, TextScore):
        return value.nats
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value
