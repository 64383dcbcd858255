"""What a model writes, held against the text that it learned from: flags and output of `understudy generate`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from understudy import checks
from understudy.cli.arguments import Parser, whole
from understudy.errors import ConfigError
from understudy.showing.terminal import counted

if TYPE_CHECKING:
    from understudy.generation.stream import Writing
    from understudy.seeing.copies import Span
    from understudy.text.encoded import Ids
    from understudy.text.vocabulary import Vocabulary

OPENS, CLOSES = "\u27e6", "\u27e7"
"""A copied part stands between them."""


def add_to(parser: Parser) -> None:
    """The flags."""
    group = parser.add_argument_group("what stands word for word in the text that the model learned from")
    group.add_argument(
        "--mark-copies", type=whole, metavar="N", help=f"mark runs of N characters or more {OPENS}so{CLOSES}"
    )
    group.add_argument("--no-copies", type=whole, metavar="N", help="write no run of N characters: draw again")
    group.add_argument(
        "--trained-on", action="append", metavar="TEXT", help="that text, where a run folder does not tell"
    )


def check(parsed: argparse.Namespace) -> None:
    """Hold the flags against what goes.

    Raises:
        ConfigError: they do not.
    """
    for option, value in (("--mark-copies", parsed.mark_copies), ("--no-copies", parsed.no_copies)):
        if value is not None:
            checks.whole(option, value, 2)
    if parsed.mark_copies is not None and parsed.bytes:
        raise ConfigError("--bytes writes the bytes and nothing else; leave --mark-copies out")
    if parsed.trained_on and parsed.mark_copies is None and parsed.no_copies is None:
        raise ConfigError("--trained-on: it is for --mark-copies and --no-copies; give one of them, or leave it out")


def learned(parsed: argparse.Namespace) -> "Ids | None":
    """The text that the model learned from; None where nothing asks for it.

    Raises:
        ConfigError: it is not to be found.
    """
    if parsed.mark_copies is None and parsed.no_copies is None:
        return None
    from understudy.model import file
    from understudy.runs.material import TextOptions
    from understudy.runs.origin import learned_text

    option = "--mark-copies" if parsed.no_copies is None else "--no-copies"
    model = file.read(parsed.model)
    named = TextOptions(tuple(parsed.trained_on), vocabulary=model.vocabulary.kind) if parsed.trained_on else None
    found = learned_text(model, Path(parsed.model), named)
    if found.ids is None:
        raise ConfigError(f"{option}: {found.missing}")
    return found.ids


class Marks:
    """The copied parts of what was written. A prompt counts for how long a run is, and is not marked itself."""

    def __init__(self, writing: "Writing", vocabulary: "Vocabulary", prompt: str, learned: "Ids", length: int) -> None:
        """Take what is being written, which is looked at when it is asked for, and the text that was learned."""
        self._writing, self._vocabulary, self._learned, self._length = writing, vocabulary, learned, length
        self._prompt = vocabulary.encode(prompt, "skip")
        self._found: list[tuple[list[Span], Span]] = []

    def texts(self) -> list[str]:
        """Each text with its copied parts marked."""
        marked = []
        for text, (parts, _) in zip(self._writing.texts, self._copies(), strict=True):
            pieces, at = [], 0
            for start, end in parts:
                pieces += [text[at:start], OPENS, text[start:end], CLOSES]
                at = end
            marked.append("".join([*pieces, text[at:]]))
        return marked

    def documents(self) -> list[dict[str, object]]:
        """For each text, where its copied parts are, and the longest."""
        texts = self._writing.texts
        return [
            {"copies": [part._asdict() for part in parts], "longest_copy": text[longest.start : longest.end]}
            for text, (parts, longest) in zip(texts, self._copies(), strict=True)
        ]

    def summary(self) -> str:
        """One line on all of them."""
        texts, copies = self._writing.texts, self._copies()
        copied = sum(end - start for parts, _ in copies for start, end in parts)
        if not copied:
            return f"no {self._length} characters in a row stand in the text that the model learned from"
        longest = max((end - start for _, (start, end) in copies), default=0)
        parts = sum(len(parts) for parts, _ in copies)
        return (
            f"{copied:,} of {sum(map(len, texts)):,} characters, in {counted(parts, 'part')}, stand word for word in "
            f"the text that the model learned from; the longest run has {longest:,}"
        )

    def _copies(self) -> list[tuple[list["Span"], "Span"]]:
        """The copied parts of each text, and its longest run, in characters of what was written."""
        if not self._found:
            import numpy as np

            from understudy.seeing.copies import Span, longest, spans, written_ids
            from understudy.text.grams import Grams

            grams, before = Grams.of(self._learned, self._length), len(self._prompt)
            for text, data in zip(self._writing.texts, self._writing.data, strict=True):
                whole = np.concatenate([self._prompt, written_ids(self._vocabulary, text, data)])

                def shown(span: Span, data: bytes = data) -> Span:
                    ends = [max(0, place - before) for place in span]
                    return Span(*(self._characters(data, end) for end in ends))

                parts = [shown(span) for span in spans(whole, grams)]
                self._found.append(
                    ([part for part in parts if part.end > part.start], shown(longest(whole, self._learned, grams)))
                )
        return self._found

    def _characters(self, data: bytes, end: int) -> int:
        """How many characters the first symbols of a text are."""
        return len(data[:end].decode("utf-8", "replace")) if self._vocabulary.kind == "bytes" else end
