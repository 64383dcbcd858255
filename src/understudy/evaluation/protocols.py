"""The two protocols: streamed, what a recurrent net really does, and windowed, comparable with a transformer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from understudy import checks
from understudy.errors import TextError
from understudy.evaluation.lanes import lanes
from understudy.model.network import Network, State
from understudy.ranks.contract import Alone, Ranks
from understudy.text.encoded import Ids
from understudy.text.progress import SCORING, progress

Protocol = Literal["streamed", "windowed"]
PROTOCOLS: tuple[Protocol, ...] = ("streamed", "windowed")
WINDOW = 256
_CHUNK = 256
LARGEST_LOGITS = 1 << 22
"""So many logits are made at a time, or one place's of every stream where that is more: 16 MB."""
_LARGEST_PIECE = 1 << 20
"""So many are handed on at a time, or one place's of one stream: what is made from them is several times their size."""
_SIDE_BY_SIDE = 128
_SHORTEST_CHUNK = 32
"""Where a vocabulary is large, rather fewer windows side by side than shorter passes than this."""


@dataclass(frozen=True, repr=False)
class Score:
    """What a model makes of a text.

    Attributes:
        loss: mean nats a character.
        characters: how many characters were predicted.
        protocol: how.
        window: W, where windowed.
        streams: how many, where streamed.
    """

    loss: float
    characters: int
    protocol: Protocol
    window: int | None = None
    streams: int | None = None

    @property
    def bits_per_character(self) -> float:
        """The loss in bits."""
        return self.loss / math.log(2)

    def __repr__(self) -> str:
        return f"<Score: {', '.join(f'{value} {name}' for name, value in self._told())}, {self._how()}>"

    def _repr_html_(self) -> str:
        from understudy.pages import cells

        return cells.framed(cells.titled(f"Score, {self._how()}"), cells.table(self._told()))

    def _told(self) -> list[tuple[str, str]]:
        bits = f"{self.bits_per_character:.4f}"
        return [
            ("nats a character", f"{self.loss:.4f}"),
            ("bits a character", bits),
            ("characters", f"{self.characters:,}"),
        ]

    def _how(self) -> str:
        if self.protocol == "windowed":
            return f"in windows of {self.window}"
        return f"streamed in {self.streams} {'stream' if self.streams == 1 else 'streams'}"


def windowed(
    network: Network, ids: Ids, window: int = WINDOW, *, batch: int | None = None, ranks: Ranks | None = None
) -> Score:
    """Score consecutive, non-overlapping windows, each from the zero state.

    Window i reads characters iW to iW + W - 1 and predicts iW + 1 to iW + W; the last one may be shorter. The
    result does not depend on `batch`, how many windows are read side by side, nor on `ranks`, which share the windows
    out among them.

    Raises:
        ConfigError: the window is not positive.
        TextError: the text has fewer than two characters.
    """
    window = checks.whole("--window", window, 1)
    predicted = predicted_in(ids)
    chunk, narrow = min(window, _CHUNK), min(window, _SHORTEST_CHUNK)
    batch = batch or max(1, min(_SIDE_BY_SIDE, LARGEST_LOGITS // (narrow * network.config.vocabulary)))
    whole, tail = divmod(predicted, window)
    ranks = ranks or Alone()
    mine, total = ranks.part(whole), 0.0
    for first in range(mine.start, mine.stop, batch):
        starts = np.arange(first, min(first + batch, mine.stop), dtype=np.int64) * window
        total += _read(network, ids, starts, window, chunk)
        progress(SCORING, min(predicted, (first - mine.start + len(starts)) * window), predicted)
    if tail and mine.stop == whole and ranks.rank == ranks.count - 1:
        total += _read(network, ids, np.array([whole * window], np.int64), tail, chunk)
    return Score(ranks.total(total) / predicted, predicted, "windowed", window=window)


def streamed(
    network: Network, ids: Ids, *, streams: int | None = None, chunk: int = _CHUNK, ranks: Ranks | None = None
) -> Score:
    """Score the text with the state carried through it, in a few parallel streams of equal length.

    Each stream starts from the zero state; together they predict every character but the first. The result does
    not depend on `chunk`, how many characters are read at a time.

    Args:
        network: the model.
        ids: the text.
        streams: how many streams; ten, or fewer where the text has not a thousand characters for each.
        chunk: T of one pass through the network, at most: a large vocabulary makes it shorter.
        ranks: the processes among which the streams are shared out, where there are several.

    Raises:
        TextError: the text has fewer than two characters.
    """
    predicted, ranks = predicted_in(ids), ranks or Alone()
    passes = streamed_passes(network, ids, streams=streams, chunk=chunk, ranks=ranks)
    total, done = 0.0, 0
    for logits, targets in passes:
        total += _nats(logits, targets)
        done += len(targets)
        progress(SCORING, done, predicted)
    total = ranks.total(total)
    return Score(total / predicted, predicted, "streamed", streams=len(lanes(predicted, streams).starts))


def streamed_passes(
    network: Network, ids: Ids, *, streams: int | None = None, chunk: int = _CHUNK, ranks: Ranks | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """What `streamed` scores, a piece at a time: logits (N, V) and the ids that came (N,); takes its settings.

    Neither the length of the text nor the vocabulary makes a piece larger than about a million logits, or one place's.

    Raises:
        TextError: the text has fewer than two characters.
    """
    starts, length, tail = lanes(predicted_in(ids), streams)
    mine = (ranks or Alone()).part(len(starts))
    starts, tail = starts[mine], tail if mine.stop == len(starts) else 0
    if not len(starts):
        return
    state = network.zero_state(len(starts))
    for logits, targets, after in _passes(network, ids, starts, length, chunk, state):
        state = after
        yield from _pieces(logits, targets)
    if tail:  # the last stream is longer by what the division left over
        last = tuple(tuple(part[-1:] for part in layer) for layer in state)
        for logits, targets, _ in _passes(network, ids, starts[-1:] + length, tail, chunk, last):
            yield from _pieces(logits, targets)


def evaluate(network: Network, ids: Ids, protocol: Protocol = "streamed", window: int = WINDOW) -> Score:
    """Score a text by the protocol of that name.

    Raises:
        ConfigError: there is no such protocol, or the window is not positive.
        TextError: the text has fewer than two characters.
    """
    window = checks.whole("--window", window, 1)
    if checks.one_of("--protocol", protocol, PROTOCOLS) == "streamed":
        return streamed(network, ids)
    return windowed(network, ids, window)


def predicted_in(ids: Ids) -> int:
    """How many characters of a text are predicted: all but the first.

    Raises:
        TextError: the text has fewer than two.
    """
    if len(ids) < 2:
        raise TextError(f"the text has {len(ids)} known characters; at least 2 are needed to predict one")
    return len(ids) - 1


def _read(network: Network, ids: Ids, starts: NDArray[np.int64], length: int, chunk: int) -> float:
    """The summed nats of the `length` characters after each of `starts` (B,), from the zero state."""
    passes = _passes(network, ids, starts, length, chunk, network.zero_state(len(starts)))
    return sum(_nats(*piece) for logits, targets, _ in passes for piece in _pieces(logits, targets))


@torch.inference_mode()
def _passes(
    network: Network, ids: Ids, starts: NDArray[np.int64], length: int, chunk: int, state: State
) -> Iterator[tuple[Tensor, Tensor, State]]:
    """Read `length` characters from each of `starts` (B,): logits (T, B, V), the ids that came, the state after.

    T is `chunk`, or less where that would make more than `LARGEST_LOGITS`.
    """
    device = network.output.weight.device
    chunk = max(1, min(chunk, LARGEST_LOGITS // (len(starts) * network.config.vocabulary)))
    for begin in range(0, length, chunk):
        block = torch.from_numpy(ids.gather(starts + begin, min(chunk, length - begin) + 1)).to(device)
        logits, state = network(block[:-1], state)
        yield logits, block[1:], state


def _pieces(logits: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits (T, B, V) and ids (T, B), some places (N, V) and (N,) at a time."""
    rows = max(1, _LARGEST_PIECE // logits.shape[-1])
    flat, came = logits.flatten(0, 1), targets.flatten()
    for first in range(0, len(came), rows):
        yield flat[first : first + rows], came[first : first + rows]


def _nats(logits: Tensor, targets: Tensor) -> float:
    """The summed loss of logits (N, V)."""
    nats = F.cross_entropy(logits, targets, reduction="none")
    return float(nats.double().sum())
