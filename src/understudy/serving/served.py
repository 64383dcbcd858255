"""A model as it is served."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.generation.portable.engine import PortableEngine
from understudy.model.file import ModelFile
from understudy.serving.limits import Limits
from understudy.serving.reader import Reader
from understudy.serving.tickets import Outbox
from understudy.serving.writer import Writer


class Served:
    """A model and the work on it; the work belongs to the engine's thread.

    Attributes:
        name: what requests call it.
        path: the run folder or the file that it was read from.
        file: the model without its weights.
        vocabulary: its symbols.
        config: its shape.
        digest: names the weights that write, 16 bytes.
        reader: what is to be read.
        writer: what is to be written.
    """

    def __init__(self, name: str, path: Path, model: ModelFile, limits: Limits) -> None:
        """Take the model, and where it was read; its weights are packed for writing and let go."""
        self.name, self.path, self.file = name, path, replace(model, tensors={})
        self.vocabulary, self.config, self.digest = model.vocabulary, model.config, _digest(model)
        engine = PortableEngine(model, numbers="int8")
        self.reader = Reader(engine, model.config, limits)
        self.writer = Writer(engine, model.config.vocabulary, limits)

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of a stream's logits and of the parts of its state."""
        return (self.config.vocabulary, *(width for part in self.config.state_widths for width in part))

    @property
    def busy(self) -> bool:
        """Whether there is something that can be done now."""
        return bool(self.reader.readings) or self.writer.busy

    @property
    def used(self) -> bool:
        """Whether there is any work on it."""
        return bool(self.reader.readings or self.writer.rows)

    @property
    def costs(self) -> list[float]:
        """What the requests that are under way have cost, in seconds."""
        read, written = self.reader.readings, self.writer.rows
        return [reading.ticket.cost for reading in read] + [row.ticket.cost for row in written]

    def turn(self, gone: Callable[[Any], bool], outbox: Outbox) -> None:
        """Do some of the work, but for requests that are gone."""
        for part in (self.reader, self.writer):
            part.let_go(gone)
        self.reader.read()
        self.writer.write(outbox)


def _digest(model: ModelFile) -> bytes:
    """Names the weights."""
    made = hashlib.blake2b(model.vocabulary.digest.encode(), digest_size=16)
    for name in sorted(model.tensors):
        made.update(name.encode())
        made.update(np.ascontiguousarray(model.tensors[name]).tobytes())
    return made.digest()
