"""What a model writes, as a program gets it: a text that is done, a text under way, and a state to go on from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from understudy import checks
from understudy.errors import ConfigError
from understudy.generation.sampling import LARGEST_SEED, check_seed
from understudy.generation.stream import FinishReason, StreamState, Writing
from understudy.model.config import ModelConfig

MOST_SAMPLES = 1 << 20
"""Texts that are written side by side: each has a state, which is kept to the end."""


@dataclass(frozen=True, repr=False)
class Sample:
    """One text that a model wrote.

    Attributes:
        text: without the prompt.
        prompt: what it was started with; "" where that was a state.
        seed: gives the same text again, with the same prompt (or state) and the same settings.
        finish_reason: "length", or "stop" where a stop text came.
        state: where the stream stands, to go on from.
        data: the text as bytes: those that were drawn, which need not be UTF-8, in a model of bytes.
    """

    text: str
    prompt: str
    seed: int
    finish_reason: FinishReason
    state: StreamState
    data: bytes

    def __repr__(self) -> str:
        from understudy.showing.terminal import visible

        return f"<{self._told()}>\n{visible(self.prompt + self.text)}"

    def _repr_html_(self) -> str:
        return _shown(self._told(), self.prompt, self.text)

    def _told(self) -> str:
        ended = "at a stop text" if self.finish_reason == "stop" else "at its length"
        return f"Sample, seed {self.seed}: {len(self.text):,} characters, ended {ended}"


class Stream:
    """A text under way: iterate over it for the pieces as they are written.

    A deep copy, or one that was pickled, goes on by itself from where the text stands.
    """

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._pieces = iter(writing)

    def __getstate__(self) -> dict[str, Any]:
        return {"_writing": self._writing}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self._writing = kept["_writing"]
        self._pieces = iter(self._writing)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces).text

    def __repr__(self) -> str:
        from understudy.showing.terminal import visible

        return f"<{self._told()}>\n{visible(self.text)}"

    def _repr_html_(self) -> str:
        return _shown(self._told(), "", self.text)

    def _told(self) -> str:
        ended = "goes on" if self.finish_reason is None else f"ended: {self.finish_reason}"
        return f"Stream, {len(self.text):,} characters, {ended}"

    @property
    def text(self) -> str:
        """What has been written so far, without the prompt."""
        return self._writing.texts[0]

    @property
    def data(self) -> bytes:
        """The same as bytes: those that were drawn, which need not be UTF-8, in a model of bytes."""
        return self._writing.data[0]

    @property
    def state(self) -> StreamState:
        """Where the stream stands now: a value, to keep, to fork, or to go on from."""
        return self._writing.states[0]

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the stream ended; None while it goes on."""
        return self._writing.finish_reasons[0]


def _shown(told: str, prompt: str, text: str) -> str:
    """A text as a notebook's cell shows it, with what it was started with."""
    from understudy.pages import cells, escaped
    from understudy.seeing.visible import visible

    begun, written = (escaped(visible(part)) for part in (prompt, text))
    begun = f"<strong>{begun}</strong>" if begun else ""
    return cells.framed(cells.quiet(told), f'<div style="{cells.TEXT}">{begun}{written}</div>')


def check_state(state: StreamState, config: ModelConfig, more: tuple[int, ...] = ()) -> StreamState:
    """The state, if a model of that shape can go on from it, whose engine keeps `more` numbers beside the layers'.

    Raises:
        ConfigError: it is no state, it is another model's, or its numbers are not what they must be.
    """
    if not isinstance(state, StreamState):
        raise ConfigError(f"--start {checks.shown(state)}: expected a state to go on from")
    widths = [*(width for part in config.state_widths for width in part), *more]
    parts = [_numbers(part) for part in _parts("layers", state.layers)]
    logits = _numbers(state.logits)
    found, symbols = [part.shape for part in parts], logits.shape
    if found != [(width,) for width in widths] or symbols != (config.vocabulary,):
        raise ConfigError(
            f"--start: a state of widths {checks.shown(found)} with {checks.shown(symbols)} logits, expected one of "
            f"this model, of widths {checks.shown(widths)} with {config.vocabulary} logits; a state serves the model "
            f"that made it"
        )
    if any(part.dtype != np.float32 for part in (*parts, logits)):
        raise ConfigError("--start: a state whose numbers are not float32; expected one that a model made")
    if not all(np.isfinite(part).all() for part in (*parts, logits)):
        raise ConfigError("--start: a state whose numbers are not finite; expected one that an intact model made")
    pending = tuple(
        checks.whole("--start: a pending symbol", symbol, 0, config.vocabulary - 1)
        for symbol in _parts("pending", state.pending)
    )
    drawn = checks.whole("--start: numbers drawn", state.drawn, 0, LARGEST_SEED)
    return replace(state, layers=tuple(parts), logits=logits, seed=check_seed(state.seed), drawn=drawn, pending=pending)


def check_count(count: Any, seed: int) -> int:
    """How many texts are asked for, where the first has that seed and each of the others the next one.

    Raises:
        ConfigError: there are none, or more than are written side by side, or than there are seeds.
    """
    found = checks.whole("--samples", count, 1)
    if found > MOST_SAMPLES:
        raise ConfigError(f"--samples {checks.shown(found)}: at most {MOST_SAMPLES:,} are written side by side")
    if seed + found - 1 > LARGEST_SEED:
        raise ConfigError(
            f"--samples {found:,}: each takes a seed of its own, from --seed {seed} on, and {LARGEST_SEED:,} is the "
            f"last there is; give a smaller --seed"
        )
    return found


def _parts(name: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        raise ConfigError(f"--start: a state with {checks.shown(value)} for its {name}; expected one that a model made")
    return tuple(value)


def _numbers(value: Any) -> Any:
    """A part of a state as an array; one of objects where it is no such thing."""
    try:
        return np.asarray(value)
    except Exception:  # lists of different lengths, or a stranger's class
        return np.empty((), object)
