"""Checks of what a caller gives, each once, with the words of the command line.

Each takes the name that a message is to use (`--length`) and what was given, and gives it back as a plain Python value:
a whole number of numpy's comes out as an int, a text of numpy's as a str. True and False are no numbers.
"""

import math
import operator
import os
import reprlib
import sys
from collections.abc import Sequence, Set
from contextlib import suppress
from numbers import Number, Real
from pathlib import Path
from typing import Any, TypeVar

from understudy.errors import ConfigError

Choice = TypeVar("Choice", bound=str)
_LONGEST_SHOWN, _LONGEST_NAME = 80, 300
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _LONGEST_SHOWN


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number from `low` to `high`, both included; of any size where there is no `high`.

    Raises:
        ConfigError: it is none.
    """
    found = _whole(value)
    if found is None or found < low or (high is not None and found > high):
        raise ConfigError(f"{name} {shown(value)}: expected a whole number {_range(low, high)}")
    return found


def number(name: str, value: Any, low: float, high: float | None = None, *, above: bool = False) -> float:
    """A finite number from `low` to `high`, both included, or with `above` without `low`; whole ones stay whole.

    Raises:
        ConfigError: it is none.
    """
    found = _number(value)
    if found is None or found < low or (above and found == low) or (high is not None and found > high):
        most = "" if high is None else f" and at most {high:,}"
        span = f"above {low:,}{most}" if above else _range(low, high)
        raise ConfigError(f"{name} {shown(value)}: expected a number {span}")
    return found


def one_of(name: str, value: Any, choices: Sequence[Choice]) -> Choice:
    """One of a few words.

    Raises:
        ConfigError: it is none of them.
    """
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    plain = isinstance(value, str) and value.isprintable() and 0 < len(value) <= _LONGEST_SHOWN
    raise ConfigError(f"{name} {value if plain else shown(value)}: expected one of {', '.join(choices)}")


def truth(name: str, value: Any) -> bool:
    """True or False.

    Raises:
        ConfigError: it is neither.
    """
    numpy = sys.modules.get("numpy")  # whoever gives a value of numpy's has imported it
    if isinstance(value, bool) or (numpy is not None and isinstance(value, numpy.bool_)):
        return bool(value)
    raise ConfigError(f"{name} {shown(value)}: expected True or False")


def text(name: str, value: Any, *, wanted: str = "a text", empty: bool = False) -> str:
    """A text, with `empty` perhaps one of no characters.

    Raises:
        ConfigError: it is none, or has no characters.
    """
    if not isinstance(value, str):
        raise ConfigError(f"{name} {shown(value)}: expected {wanted}")
    if not value and not empty:
        raise ConfigError(f"{name} '': expected at least one character")
    return str(value)


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Several texts, none of them empty; a text alone is one of them.

    Raises:
        ConfigError: it is neither a text nor a sequence of them, or one is empty.
    """
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, Sequence | Set) or isinstance(value, bytes | bytearray | memoryview):
        raise ConfigError(f"{name} {shown(value)}: expected a text or a sequence of texts")
    try:
        parts = list(value)
    except Exception as error:  # of a stranger's class
        raise ConfigError(f"{name} {shown(value)}: expected a text or a sequence of texts") from error
    return tuple(text(name, part) for part in parts)


def text_field(value: Any) -> str:
    """The name of a field of texts, or an empty text for none.

    Raises:
        ConfigError: it is none.
    """
    return text("--text-field", value, wanted="the name of a field", empty=True)


def between(value: Any) -> str:
    """What stands between two documents, which may be nothing.

    Raises:
        ConfigError: it is no text, or has what no text may have.
    """
    found = text("--between", value, empty=True)
    if "\0" in found or not _is_whole(found):
        raise ConfigError(f"--between {shown(found)}: expected a text without NUL and halves of characters")
    return found


def _is_whole(found: str) -> bool:
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True


def path(name: str, value: Any) -> str:
    """The name of a file or a folder, given as a text or a path; a path is never taken for `-` or a text's `@name`.

    Raises:
        ConfigError: it is neither, or no file can have it.
    """
    found = value
    if isinstance(value, os.PathLike):
        with suppress(Exception):  # of a stranger's class
            found = os.fspath(value)
    if not isinstance(found, str) or not found or "\0" in found or not _has_bytes(found):
        raise ConfigError(f"{name} {shown(value)}: expected a path")
    if isinstance(value, os.PathLike) and found.startswith(("-", "@")):
        return os.path.join(".", found)  # noqa: PTH118 - Path would leave the dot out
    return str(found)


def place(name: str, value: Any) -> Path:
    """The same as a path that stays the same: one that would lose its `./` and be taken for a named model is absolute.

    Raises:
        ConfigError: see `path`.
    """
    found = path(name, value)
    short = Path(found)
    return short.absolute() if str(short).startswith("@") and not found.startswith("@") else short


def _has_bytes(name: str) -> bool:
    """Whether the system can be asked for a file of that name."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def shown(value: Any) -> str:
    """A value in one short line that any terminal may show."""
    try:
        said = str(value) if isinstance(value, Number) else _BRIEF.repr(value)
    except Exception:  # a number of more digits than Python prints, or a stranger's class
        said = f"a value of type {type(value).__name__}"
    return _short(" ".join(said.split()), _LONGEST_SHOWN)


def named(name: "str | os.PathLike[str]") -> str:
    """The name of a file, as it may be shown: what no terminal should get is escaped, and what is long is cut."""
    return _short(os.fspath(name), _LONGEST_NAME) or "''"


def _short(said: str, longest: int) -> str:
    if len(said) > longest:
        half = (longest - 3) // 2
        said = f"{said[:half]}...{said[-half:]}"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in said)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except Exception:  # no whole number, or a stranger's class
        return None


def _number(value: Any) -> float | None:
    found = _whole(value)
    if found is None and not (isinstance(value, Real) and not isinstance(value, bool)):
        return None
    try:
        near = float(value)
    except Exception:  # beyond all numbers, or a stranger's class
        return None
    if not math.isfinite(near):
        return None
    return near if found is None else found


def _range(low: float, high: float | None) -> str:
    return f"from {low:,}" + ("" if high is None else f" to {high:,}")
