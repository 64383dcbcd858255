"""What a report tells of the model that a run keeps: a page of its writing, what of it is copied, how sure it is.

All of it is bounded, so that it takes about a second of a large model and milliseconds of a tiny one.
"""

from typing import NamedTuple

from understudy.evaluation.calibration import Calibration, calibration
from understudy.evaluation.protocols import WINDOW
from understudy.generation.portable import compiled
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan, start, write
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of
from understudy.seeing.copies import Span, copied, written_ids
from understudy.text.encoded import Ids

LENGTH, SEED, TEMPERATURE = 1500, 1, 0.8
"""Of the page."""
COPY = 30
"""From so many characters on a run counts as copied."""
SEARCHED = 8_000_000
"""So much of the text learned is searched, from its beginning on."""
_WORK, _WORK_IN_NUMPY, _SHORTEST = 12e9, 2e9, 200
"""So many products of weights the page may take, compiled or not; it is not shorter than that."""
_WINDOWS, _WINDOWS_WORK = 16, 6e9
"""So many windows held back are predicted side by side, fewer where that is more work."""


class Page(NamedTuple):
    """A page of a model's writing, and what of it stands in the text learned.

    Attributes:
        text: the page.
        length: how many symbols were asked for.
        copies: the parts of it that are copied, in characters.
        longest: characters of the longest copied run; 0 where there is none.
        searched: how much of the text learned was searched.
    """

    text: str
    length: int
    copies: list[Span]
    longest: int
    searched: int


class Judged(NamedTuple):
    """How sure a model is of what it has not learned.

    Attributes:
        found: by probabilities.
        characters: so many were predicted, from the beginning of the text held back on.
    """

    found: Calibration
    characters: int


def page_of(model: ModelFile, learned: Ids) -> Page:
    """The page that `understudy generate` writes with that length and seed, held against the text learned."""
    length, vocabulary = length_for(model.config), model.vocabulary
    engine = PortableEngine(model, numbers="int8")
    first = start(engine, vocabulary, vocabulary.encode(""), SEED)
    writing = write(engine, vocabulary, [first], Plan(length, Sampling(TEMPERATURE)))
    text, data = writing.texts[0], writing.data[0]
    searched = learned[:SEARCHED]
    found = copied(written_ids(vocabulary, text, data), searched, COPY)

    def characters(end: int) -> int:
        return len(data[:end].decode("utf-8", "replace")) if vocabulary.kind == "bytes" else end

    parts = [Span(characters(part.start), characters(part.end)) for part in found.parts]
    return Page(text, length, parts, found.longest, len(searched))


def length_for(config: ModelConfig) -> int:
    """How many symbols are written: fewer with a very large model."""
    work = _WORK_IN_NUMPY if compiled.number_of(compiled.path()) is None else _WORK
    return max(_SHORTEST, min(LENGTH, int(work / _weights(config))))


def judged(model: ModelFile, held_back: Ids) -> Judged:
    """Hold what the model predicts of the beginning of the text held back, in windows, against what came."""
    windows = max(
        1, min(_WINDOWS, int(_WINDOWS_WORK / WINDOW / _weights(model.config)), (len(held_back) - 1) // WINDOW)
    )
    part = held_back[: windows * WINDOW + 1]
    return Judged(calibration(network_of(model), part, streams=windows), len(part) - 1)


def _weights(config: ModelConfig) -> int:
    """How many numbers a step multiplies with."""
    matrices = (shape for name, shape in config.shapes().items() if name.startswith(("layers", "output")) and shape[1:])
    return sum(rows * columns for rows, columns in matrices)
