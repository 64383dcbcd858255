"""Text that a terminal may show: what a model writes can hold control characters."""

import unicodedata
from typing import TextIO


def visible(text: str) -> str:
    """The text with control characters other than newline and tab escaped, and lone surrogates too."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs"):
        return character
    return character.encode("unicode_escape").decode("ascii")


def counted(number: int, thing: str) -> str:
    """A number of things, in words that agree: `1 stream`, `2 streams`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def for_stream(text: str, stream: TextIO) -> str:
    """The text as it goes to `stream`: escaped for a terminal, as it is for a file or a pipe."""
    return visible(text) if stream.isatty() else text
