"""A text's short name, which names its run: safe as one part of a path, on a screen and in a command."""

import re
import unicodedata
from pathlib import Path

_LONGEST_BYTES = 80
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever their ending."""


def short_name(source: str) -> str:
    """The name of a source without folder and ending; a corpus's without its `@`.

    Letters, digits and `._+=,-` stay, anything else becomes a dash; it begins with a letter, a digit or `_` and has at
    most 80 bytes. What leaves nothing is called `text`.
    """
    name = source[1:] if source.startswith("@") else Path(source).name
    if not source.startswith("@"):
        name = re.sub(r"\.gz\Z", "", name, flags=re.IGNORECASE)
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
