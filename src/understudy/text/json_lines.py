"""JSON lines -> documents: an object a line, one of whose fields is the text."""

import json
from collections.abc import Iterator
from typing import IO, Any

from understudy.checks import named, shown
from understudy.errors import TextError

_LONGEST_LINE = 1 << 26
_MOST_NAMES = 20
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
_AS_IT_IS = "a file that is not to be read as JSON lines is read as it is with --text-field ''"


def documents(file: IO[bytes], name: str, field: str) -> Iterator[bytes]:
    """The texts in UTF-8; lines of nothing but space are passed over, and null is an empty text.

    Args:
        file: the lines, which are read one at a time.
        name: the file's, for messages.
        field: the field that holds the text.

    Raises:
        TextError: a line is no JSON object, or its field is missing or no text.
    """
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        where = f"{named(name)}: line {number:,}"
        if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            raise TextError(
                f"{where} is longer than {_LONGEST_LINE:,} bytes; expected a JSON object in each; {_AS_IT_IS}"
            )
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.isspace() and line:
            yield _text(_parsed(line, where), where, field)


def _parsed(line: bytes, where: str) -> Any:
    try:
        return json.loads(line.rstrip(b"\r\n").decode())
    except UnicodeDecodeError as error:
        raise TextError(f"{where} is not UTF-8, in which JSON is written (byte {error.start + 1:,} of it)") from error
    except json.JSONDecodeError as error:
        raise TextError(
            f"{where} is not JSON: {error.msg} (character {error.pos + 1:,} of it); expected an object in each line, "
            f'such as {{"text": "..."}}; {_AS_IT_IS}'
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or lists in lists in lists
        raise TextError(f"{where} is no JSON that can be read: {shown(str(error))}") from error


def _text(found: Any, where: str, field: str) -> bytes:
    if not isinstance(found, dict):
        raise TextError(f'{where} is {_kind(found)}; expected an object, such as {{"text": "..."}}; {_AS_IT_IS}')
    if field not in found:
        raise TextError(f"{where} has no field {shown(field)}; {names(found)}")
    text = found[field]
    if text is None:
        return b""
    if not isinstance(text, str):
        raise TextError(f"{where}: the field {shown(field)} is {_kind(text)}, not a text; {names(found)}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"{where}: the text has half of a character (a lone surrogate, U+{ord(text[error.start]):04X})"
        ) from error


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS[type(value)]


def names(found: Any) -> str:
    """What to say of the fields that there are, and how one is named."""
    there = list(map(str, found))
    if not there:
        return "there are none; expected one with the text"
    more = f" and {len(there) - _MOST_NAMES:,} more" if len(there) > _MOST_NAMES else ""
    return f"there are {', '.join(map(shown, there[:_MOST_NAMES]))}{more}; name the one of the text with --text-field"
