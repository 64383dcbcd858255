"""What several tests of texts do with one."""

from pathlib import Path

from understudy.text import cache
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import EncodedText, encode
from understudy.text.source import find
from understudy.text.vocabulary import Vocabulary

TEXT = "To be, or not to be:\nthat is the Füße €\n" * 50
DIGEST = 32
"""Bytes of the digest behind the ids in a file of the cache."""


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
