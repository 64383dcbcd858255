"""A text's short name, which names its run: safe as one part of a path, on a screen and in a command."""

import re
import unicodedata
from pathlib import Path

_LONGEST_BYTES = 80
_PACKED = re.compile(r"\.(gz|zst|xz|bz2)\Z", re.IGNORECASE)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever their ending."""


def is_address(name: str) -> bool:
    """Whether a text's name is one of a place elsewhere, such as `s3://bucket/a.txt`."""
    return _ADDRESS.match(name) is not None


def file_name(source: str) -> str:
    """The name of a source's file without its folder, and without the endings that say how it is packed."""
    name = re.split("[?#]", source, maxsplit=1)[0] if source.lower().startswith(("http://", "https://")) else source
    return _PACKED.sub("", Path(name).name)


def short_name(source: str) -> str:
    """The name of a source without folder and ending; a corpus's without its `@`.

    Letters, digits and `._+=,-` stay, anything else becomes a dash; it begins with a letter, a digit or `_` and has at
    most 80 bytes. What leaves nothing is called `text`.
    """
    if source.startswith("@"):
        name = source[1:]
    else:
        name = file_name(source)
        name = name.rsplit(".", 1)[0] if "." in name else name
    name = "".join(sign if _keeps(sign) else "-" for sign in unicodedata.normalize("NFC", name))
    name = _trimmed(re.sub("-{2,}", "-", name))
    name = _trimmed(name.encode()[:_LONGEST_BYTES].decode("utf-8", "ignore"))
    return f"text-{name}" if _DEVICE.fullmatch(name) else name or "text"


def _keeps(sign: str) -> bool:
    return sign.isalnum() or sign in "._+=,-" or unicodedata.category(sign).startswith("M")


def _trimmed(name: str) -> str:
    begin = next((place for place, sign in enumerate(name) if sign.isalnum() or sign == "_"), len(name))
    return name[begin:].rstrip(".-")
