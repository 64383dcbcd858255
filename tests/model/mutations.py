"""Damage of all kinds to a model file, each a function of a random generator; for tests that read what came of it."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from understudy.model import container


def nested(levels: int) -> list[Any]:
    """Lists in lists."""
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**63, 2**70, 10**400, 1.5, -0.0, 1e-320, 1e308, float("nan"), float("inf")),
    *("", "x", "\ud800", "\udcff", "\x1b[31m", "\n", "漢", "a" * 100_000),
    *([], {}, [[]], {"a": 1}, {"\ud800": 1}, ["a"], [1] * 1000, nested(20), nested(60), nested(800)),
]
NUMBERS = [0.0, -1.0, 6e4, float("nan"), float("inf"), -float("inf")]
TYPES = [np.int64, np.float64, np.float16, np.uint8, np.bool_]


class Mutations:
    """Files that differ from an intact one in a place or a few; half of them have a right checksum.

    Attributes:
        values: what fields of the document become.
    """

    values: ClassVar[list[Any]] = VALUES

    def __init__(self, intact: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._bytes = intact.read_bytes()
        with safe_open(intact, framework="numpy") as file:
            self._text = file.metadata()[container.KEY]
            self._kind = json.loads(self._text)["kind"]
            self._tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping

    def write(self, path: Path) -> None:
        """Make the next one."""
        kind = self._chance.random()
        if kind < 0.5:
            self._change_document(path)
        elif kind < 0.7:
            self._change_tensor(path)
        else:
            self._change_bytes(path)

    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._text)
        for name in ("checksum", "format", "kind"):
            del document[name]
        return document

    def _change_document(self, path: Path) -> None:
        document = self._document()
        for _ in range(self._chance.choice([1, 1, 2, 3])):
            holder, name = self._chance.choice(list(_places(document)))
            if self._chance.random() < 0.8:
                holder[name] = json.loads(json.dumps(self._chance.choice(self.values)))
            elif isinstance(holder, dict):
                del holder[name]
        container.write(path, self._kind, document, self._tensors)

    def _change_tensor(self, path: Path) -> None:
        tensors: dict[str, NDArray[Any]] = dict(self._tensors)
        name = self._chance.choice(list(tensors))
        changed = tensors[name].copy()
        number = self._chance.choice(NUMBERS)
        if changed.dtype == np.int64:
            number = self._chance.choice([-1, 0, 1, 1 << 24, 1 << 60])
        changed.flat[self._chance.randrange(changed.size)] = number
        with np.errstate(invalid="ignore"):
            retyped: NDArray[Any] = tensors[name].astype(self._chance.choice(TYPES))
        tensors[name] = self._chance.choice([changed, retyped, tensors[name][:0], tensors[name].reshape(1, -1)])
        if self._chance.random() < 0.1:
            del tensors[name]
        container.write(path, self._kind, self._document(), tensors)

    def _change_bytes(self, path: Path) -> None:
        data = bytearray(self._bytes)
        header = 8 + int.from_bytes(data[:8], "little")
        for _ in range(self._chance.choice([1, 1, 2, 5])):
            end = header if self._chance.random() < 0.8 else len(data)
            place = self._chance.randrange(end)
            length = self._chance.choice([0, 1, 1, 1, 7])
            data[place : place + length] = self._chance.randbytes(self._chance.choice([0, 1, 1, 1, 5]))
        path.write_bytes(data)


def _places(holder: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every field of a document that is not too deep in it, as its holder and its name there."""
    parts = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
    for name, part in list(parts)[:50]:
        yield holder, name
        if depth < 5:
            yield from _places(part, depth + 1)
