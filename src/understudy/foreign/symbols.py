"""Which symbols a model's ids stand for, as its maker's text or list tells, and where each lies in its vectors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.checks import named, shown
from understudy.errors import ConfigError, ModelFileError
from understudy.foreign import files
from understudy.text import source
from understudy.text.corpus import Corpus, survey
from understudy.text.documents import BY_NAME, Reading
from understudy.text.vocabulary import Vocabulary

_LARGEST_LIST = 1 << 25
"""Bytes of JSON; all of Unicode has 13 million."""
_FORM = (
    'expected a JSON list of the symbols in the order of their ids, such as ["\\n", " ", "a"], or of the numbers 0 to '
    "255 for a model of bytes"
)


class Symbols(NamedTuple):
    """A vocabulary of ours.

    Attributes:
        vocabulary: the symbols in our order, that of their code points.
        order: the id that the model gives each of them.
        notes: what was left out.
    """

    vocabulary: Vocabulary
    order: NDArray[np.int64]
    notes: list[str]


def of_text(
    texts: Sequence[str | Path],
    wanted: int,
    *,
    encoding: str = "utf-8",
    newlines: Literal["keep", "lf"] = "keep",
    globs: Sequence[str] = (),
    how: Reading = BY_NAME,
) -> Symbols:
    """The characters of a text, sorted as the tutorial sorts them: by code point.

    Raises:
        TextError: the text is missing, empty or undecodable.
        ConfigError: it has more or fewer distinct characters than the `wanted` symbols of the model.
    """
    found = source.look_up(texts, globs, how=how)
    corpus = Corpus(found.sources, encoding, newlines, tuple(found.left_out), between=how.between)
    seen = survey(corpus, "characters")
    vocabulary = seen.vocabulary()
    count = len(vocabulary)
    if count != wanted:
        remedy = "name the text that it learned from, or its symbols with --vocabulary FILE"
        if seen.carriage_returns and count == wanted + 1:
            remedy = "--newlines lf reads the line ends of Windows as Python does, and leaves one character fewer"
        elif count + 1 == wanted:
            remedy = "one more, as StringLookup's [UNK] is: name them in order with --vocabulary FILE"
        raise ConfigError(
            f"--text {named(corpus.sources[0].name)}: {count:,} distinct characters, and the model has {wanted:,} "
            f"symbols; {remedy}"
        )
    return Symbols(vocabulary, np.arange(count, dtype=np.int64), [])


def of_file(path: Path, wanted: int) -> Symbols:
    """The symbols that a JSON file lists.

    Raises:
        ConfigError: it is none, or lists more or fewer symbols than the `wanted` ones of the model.
    """
    try:
        listed = json.loads(files.small(path, _LARGEST_LIST))
    except ModelFileError as error:
        raise ConfigError(f"--vocabulary {named(path)}: {error}; {_FORM}") from error
    except OSError as error:
        raise ConfigError(f"--vocabulary {named(path)}: cannot be read: {error.strerror}; {_FORM}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--vocabulary {named(path)}: not JSON in UTF-8; {_FORM}") from error
    return of_list(listed, wanted, f"--vocabulary {named(path)}")


def of_list(listed: Any, wanted: int, name: str = "--vocabulary") -> Symbols:
    """The symbols of a list in the order of their ids.

    One that stands for no text is left out, with its row of the embedding and its logit: null, an empty text, or
    several characters in brackets, as `[UNK]`, `<pad>`.

    Raises:
        ConfigError: it is no such list, or has more or fewer symbols than the `wanted` ones of the model.
    """
    if not isinstance(listed, Sequence) or isinstance(listed, bytes | bytearray):
        raise ConfigError(f"{name}: {shown(listed)}: {_FORM}")
    if len(listed) != wanted:
        raise ConfigError(f"{name}: {len(listed):,} symbols, and the model has {wanted:,}; {_FORM}")
    if all(type(symbol) is int for symbol in listed):
        if sorted(listed) != list(range(256)):
            raise ConfigError(f"{name}: numbers that are not each of the 256 bytes once; {_FORM}")
        return Symbols(Vocabulary.of_bytes(), np.argsort(np.array(listed, np.int64)), [])
    kept: dict[str, int] = {}
    left: list[str] = []
    for number, symbol in enumerate(listed):
        if _stands_for_none(symbol):
            left.append(f"{shown(symbol)} (id {number})")
        elif not isinstance(symbol, str) or len(symbol) != 1:
            raise ConfigError(f"{name}: symbol {number} is {shown(symbol)}, not one character; {_FORM}")
        elif symbol in kept:
            raise ConfigError(f"{name}: {shown(symbol)} is both symbol {kept[symbol]} and {number}; {_FORM}")
        else:
            kept[symbol] = number
    characters = "".join(sorted(kept))
    try:
        vocabulary = Vocabulary("characters", characters)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}; {_FORM}") from error
    order = np.array([kept[character] for character in characters], np.int64)
    notes = [f"left out, for they stand for no character: {', '.join(left[:8])}"] if left else []
    return Symbols(vocabulary, order, notes)


def _stands_for_none(symbol: Any) -> bool:
    if symbol is None or symbol == "":
        return True
    brackets = isinstance(symbol, str) and len(symbol) > 2 and symbol[0] + symbol[-1] in ("[]", "<>")
    return brackets and symbol.isprintable()
