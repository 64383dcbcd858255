"""What several tests of texts do with one."""

import io
import os
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from understudy.errors import TextError
from understudy.text import cache
from understudy.text.corpus import READ_BYTES, Corpus, survey
from understudy.text.encoded import EncodedText, encode
from understudy.text.source import Source, find
from understudy.text.vocabulary import Vocabulary

TEXT = "To be, or not to be:\nthat is the Füße €\n" * 50
DIGEST = 32
"""Bytes of the digest behind the ids in a file of the cache."""


def read(source: Source) -> bytes:
    """What a source holds."""
    with source.open() as file:
        return file.read()


def write(path: Path, data: bytes) -> Path:
    """Make a file, and the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def corpus_of(path: Path, text: str) -> Corpus:
    """A text in a file, opened."""
    path.write_text(text, encoding="utf-8", newline="")
    return Corpus(find([path]))


def encoded(corpus: Corpus, vocabulary: Vocabulary | None = None) -> EncodedText:
    """A text as ids, those of its own characters unless told."""
    seen = survey(corpus, vocabulary.kind if vocabulary else "characters")
    return encode(corpus, seen, vocabulary or seen.vocabulary())


def all_of(text: EncodedText) -> list[int]:
    """All ids."""
    return [int(place) for place in text.ids.read(0, len(text))]


def places_in(text: str, characters: str) -> list[int]:
    """The ids of `text` by their definition."""
    return [characters.index(character) for character in text if character in characters]


def characters_of(text: str) -> str:
    """The characters of `text` by their ids."""
    return "".join(sorted(set(text)))


def files(folder: Path) -> set[Path]:
    """What lies in the cache, but for the marks that say whose folders they are."""
    return {path for path in folder.rglob("*") if path.is_file() and path.name != cache.MARKER}


def kept(folder: Path) -> Path:
    """The only file in the cache."""
    [path] = files(folder)
    return path


class Drip(io.BytesIO):
    """A file that gives at most `most` bytes at a time, as a slow pipe does."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.most if size is None or size < 0 else min(size, self.most))


def source_of(data: bytes, most: int = READ_BYTES, name: str = "some.txt") -> Source:
    """Bytes as a source."""
    return Source(name, lambda: Drip(data, most))


def corpus(*data: bytes, encoding: str = "utf-8", newlines: Literal["keep", "lf"] = "keep") -> Corpus:
    """Bytes as a text, one source for each."""
    return Corpus([source_of(one) for one in data], encoding, newlines)


def characters(read: Corpus) -> str:
    """All of a text."""
    return "".join(chr(code) for piece in read.symbols("characters") for code in piece.tolist())


def raw(read: Corpus) -> bytes:
    """All bytes of a text."""
    return b"".join(piece.astype(np.uint8).tobytes() for piece in read.symbols("bytes"))


def complaint(read: Corpus) -> str:
    """What is said of a text that cannot be read."""
    with pytest.raises(TextError) as raised:
        characters(read)
    return str(raised.value)


def with_remedies(message: str) -> bool:
    """Whether a message tells of both ways to read what is no UTF-8."""
    return "--encoding NAME" in message and "--vocabulary bytes" in message


def started(work: Callable[[], None]) -> int:
    """Do something in a child; its process number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn where there are threads
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """The status of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def as_nobody(work: Callable[[], None]) -> int:
    """Do something in a child under a user id without an account, in an empty environment; its status."""

    def changed() -> None:
        os.setgroups([])
        os.setgid(54_321)
        os.setuid(54_321)
        os.environ.clear()
        work()

    return ended(started(changed))
