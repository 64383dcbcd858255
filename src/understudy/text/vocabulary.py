"""Characters or bytes <-> ids, and what happens to the unknown."""

import codecs
import hashlib
import re
from collections import Counter
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from understudy.errors import ModelFileError, VocabularyError

Kind = Literal["characters", "bytes"]
KINDS: tuple[Kind, ...] = ("characters", "bytes")
LARGEST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates other than those that stand for a byte of an argument that is not UTF-8."""


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of `text`, shape (len(text),); lone surrogates are allowed, as in any Python string."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def printable(character: str) -> str:
    """A character with its code point, safe to print on any terminal: `'é' (U+00E9)`."""
    return f"{ascii(character) if not character.isprintable() else repr(character)} (U+{ord(character):04X})"


class Vocabulary:
    """A fixed, ordered set of symbols: distinct characters in code-point order, or the 256 bytes.

    Two vocabularies are equal where they map every symbol to the same id.
    """

    def __init__(self, kind: Kind, characters: str = "") -> None:
        """Take `characters` in code-point order and distinct (empty for bytes).

        Raises:
            ValueError: the characters are not distinct or not in order, halves of characters are among them, or bytes
                came with characters.
        """
        if kind == "bytes":
            if characters:
                raise ValueError("a vocabulary of bytes names no characters")
            self.symbols = np.arange(256, dtype=np.uint32)
        else:
            self.symbols = code_points(characters).copy()
            if len(self.symbols) == 0 or np.any(np.diff(self.symbols.astype(np.int64)) <= 0):
                raise ValueError("a vocabulary needs distinct characters in code-point order")
            halves = self.symbols[(self.symbols >= _SURROGATES[0]) & (self.symbols <= _SURROGATES[1])]
            if len(halves):
                raise ValueError(f"U+{int(halves[0]):04X} is half of a character (a lone surrogate)")
        self.kind: Kind = kind
        self.characters = characters

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The distinct characters of `text`, in code-point order."""
        return cls("characters", "".join(sorted(set(text))))

    @classmethod
    def of_codes(cls, codes: NDArray[np.integer[Any]]) -> Self:
        """The vocabulary of the given distinct code points, in any order."""
        return cls("characters", "".join(map(chr, sorted(codes.tolist()))))

    @classmethod
    def of_bytes(cls) -> Self:
        """The 256 bytes."""
        return cls("bytes")

    def __len__(self) -> int:
        return len(self.symbols)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.kind, self.characters) == (
            other.kind,
            other.characters,
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.characters))

    def __repr__(self) -> str:
        return f"Vocabulary({self.kind}, {len(self)} symbols)"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest unsigned type that holds every id."""
        return np.min_scalar_type(len(self) - 1)

    @property
    def digest(self) -> str:
        """A SHA-256 that names this vocabulary, in hexadecimal."""
        return hashlib.sha256(f"{self.kind}:".encode() + self.symbols.tobytes()).hexdigest()

    def table(self) -> NDArray[np.int32]:
        """Ids by code point, shape (0x110000,) or (256,), with -1 for what the vocabulary lacks."""
        if self.kind == "bytes":
            return np.arange(256, dtype=np.int32)
        table = np.full(LARGEST_CODE_POINT + 1, -1, np.int32)
        table[self.symbols] = np.arange(len(self), dtype=np.int32)
        return table

    def codes(self, text: str) -> NDArray[np.integer[Any]]:
        """The symbols of `text` before they become ids: code points, or UTF-8 bytes.

        Raises:
            VocabularyError: `text` has what is no byte.
        """
        if self.kind == "bytes":
            self._refuse(self.unknown(text))
            return np.frombuffer(text.encode("utf-8", "surrogateescape"), np.uint8)
        return code_points(text)

    def unknown(self, text: str) -> Counter[str]:
        """The characters of `text` that the vocabulary lacks, each with how often it comes."""
        if self.kind == "bytes":
            return Counter(_NO_BYTE.findall(text))
        known = set(self.characters)
        return Counter(character for character in text if character not in known)

    def encode(self, text: str, unknown: Literal["error", "skip"] = "error") -> NDArray[np.int64]:
        """The ids of `text`, shape (T,).

        Raises:
            VocabularyError: `text` has characters that the vocabulary lacks, and `unknown` is not "skip".
        """
        if self.kind == "bytes":
            return self.codes(_NO_BYTE.sub("", text) if unknown == "skip" else text).astype(np.int64)
        codes = self.codes(text).astype(np.int64)
        ids = np.searchsorted(self.symbols, codes)
        known = self.symbols[np.minimum(ids, len(self) - 1)] == codes
        if unknown == "error" and not known.all():
            self._refuse(self.unknown(text))
        found: NDArray[np.int64] = ids[known].astype(np.int64)
        return found

    def _refuse(self, unknown: Counter[str]) -> None:
        if unknown:
            names = ", ".join(printable(character) for character in sorted(unknown))
            raise VocabularyError(
                f"the prompt has characters that the model never saw: {names}; leave them out yourself, "
                f"or let --unknown skip do it"
            )

    def decode(self, ids: NDArray[np.integer[Any]]) -> str:
        """The text of `ids`, shape (T,); bytes that are not UTF-8 become U+FFFD."""
        decoder = self.decoder()
        return decoder.decode(ids) + decoder.finish()

    def decoder(self) -> "Decoder":
        """A decoder that takes ids as they come and keeps back the bytes of an unfinished character."""
        return Decoder(self)

    def merged(self, other: "Vocabulary") -> "Vocabulary":
        """This vocabulary with the characters of `other` that it lacks, in code-point order again."""
        if self.kind == "bytes":
            return self
        return Vocabulary.of_codes(np.union1d(self.symbols, other.symbols))

    def to_document(self) -> dict[str, Any]:
        """What the model file keeps of it."""
        return {"kind": self.kind} | ({"characters": self.characters} if self.kind == "characters" else {})

    @classmethod
    def from_document(cls, document: object) -> Self:
        """Read what `to_document` wrote.

        Raises:
            ModelFileError: a field is missing, unknown or wrong.
        """
        kind, characters = _described(document)
        try:
            return cls(kind, characters)
        except ValueError as error:
            raise ModelFileError(f"the vocabulary is damaged: {error}") from error


def _described(document: object) -> tuple[Kind, str]:
    """The kind and the characters that a document tells.

    Raises:
        ModelFileError: a field is missing, unknown or wrong.
    """
    wanted = {"characters": {"kind", "characters"}, "bytes": {"kind"}}
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(document, dict) or kind not in KINDS or set(document) != wanted[kind]:
        raise ModelFileError("the vocabulary is not one of characters or bytes")
    characters = document.get("characters", "")
    if not isinstance(characters, str):
        raise ModelFileError("the vocabulary is damaged: its characters are not a string")
    return kind, characters


class Decoder:
    """Ids to text, piece by piece."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, ids: NDArray[np.integer[Any]]) -> str:
        """The text that `ids`, shape (T,), complete."""
        if self._vocabulary.kind == "bytes":
            return self._bytes.decode(np.asarray(ids, np.uint8).tobytes())
        codes = self._vocabulary.symbols[np.asarray(ids, np.int64)]
        return codes.astype("<u4").tobytes().decode("utf-32-le")

    @property
    def pending(self) -> tuple[int, ...]:
        """The bytes kept back, as ids."""
        return tuple(self._bytes.getstate()[0])

    def finish(self) -> str:
        """What an unfinished character at the end of the bytes shows as."""
        return self._bytes.decode(b"", True)


def opening(vocabulary: Vocabulary) -> int:
    """The id to start from where no prompt is given: a model then writes as its text starts a line.

    That is the newline; a text without one gives its space, or failing that its first symbol.
    """
    for code in (ord("\n"), ord(" ")):
        place = int(np.searchsorted(vocabulary.symbols, code))
        if place < len(vocabulary) and vocabulary.symbols[place] == code:
            return place
    return 0
