"""What a JSON document of a stranger's may say: its form as a value, held against what came.

Whatever does not fit is a `ModelFileError` that names the place, so that whoever reads the document afterwards finds
the types that it expects.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Union

from understudy.checks import shown
from understudy.errors import ModelFileError

DEEPEST = 32
"""Levels of lists and objects in one another; Python's own reader and writer of JSON give up at some hundreds."""
LONGEST_TEXT = 1 << 10
_LARGEST_WHOLE = (1 << 63) - 1
_SURROGATE = re.compile("[\ud800-\udfff]")


class Rule(NamedTuple):
    """What one value must be: in words, and as a question to it."""

    expected: str
    fits: Callable[[Any], bool]


Form = Union[Rule, "Fields"]


class Fields(NamedTuple):
    """An object's fields by name; those that are not named may be anything.

    Attributes:
        known: the form of each.
        needed: the names that must be there.
        absent: whether it may be null.
    """

    known: Mapping[str, Form]
    needed: tuple[str, ...] = ()
    absent: bool = False


def whole(low: int = 0, high: int = _LARGEST_WHOLE) -> Rule:
    """A whole number."""
    return Rule(f"a whole number from {low:,} to {high:,}", lambda value: type(value) is int and low <= value <= high)


def number(*, positive: bool = False) -> Rule:
    """A finite number."""

    def fits(value: Any) -> bool:
        return type(value) in (int, float) and abs(value) < 1e300 and (value > 0 or not positive)

    return Rule("a positive number" if positive else "a number", fits)


def text(longest: int = LONGEST_TEXT) -> Rule:
    """A text."""
    return Rule(f"a text of at most {longest:,} characters", lambda value: type(value) is str and len(value) <= longest)


def or_null(rule: Rule) -> Rule:
    """What a rule says, or null."""
    return Rule(f"{rule.expected} or null", lambda value: value is None or rule.fits(value))


def hold(value: Any, form: Form, place: str) -> None:
    """Hold a value against its form.

    Raises:
        ModelFileError: it does not fit; the message tells the place and what was expected there.
    """
    if isinstance(form, Rule):
        if not form.fits(value):
            raise ModelFileError(f"its {place} is {shown(value)}, expected {form.expected}")
        return
    if value is None and form.absent:
        return
    if not isinstance(value, dict):
        raise ModelFileError(f"its {place} is {shown(value)}, expected named values")
    for name in form.needed:
        if name not in value:
            raise ModelFileError(f"its {place} has no {name}")
    for name, part in form.known.items():
        if name in value:
            hold(value[name], part, f"{place}.{name}")


def check_depth(document: Any) -> None:
    """Hold a document's nesting against what everything that walks it can bear.

    Raises:
        ModelFileError: it is nested deeper than `DEEPEST` levels.
    """
    for _ in _parts(document):
        pass


def check_plain(document: Any, place: str) -> None:
    """Check that a document can be printed, encoded and written as JSON, whatever it says.

    Raises:
        ModelFileError: a text has lone surrogates, a number is not finite or has no end, or the nesting has none.
    """
    for part in _parts(document):
        if isinstance(part, str) and _SURROGATE.search(part):
            raise ModelFileError(f"its {place} has a lone surrogate in {shown(part)}")
        if isinstance(part, float) and not math.isfinite(part):
            raise ModelFileError(f"its {place} has a number that is not finite")
        if isinstance(part, int) and abs(part) > _LARGEST_WHOLE:
            raise ModelFileError(f"its {place} has a number beyond all bounds")


def without_surrogates(document: Any) -> Any:
    """The document with the lone surrogates escaped that names have which are not UTF-8."""
    if isinstance(document, str):
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", document)
    if isinstance(document, Mapping):
        return {without_surrogates(name): without_surrogates(part) for name, part in document.items()}
    if isinstance(document, list | tuple):
        return [without_surrogates(part) for part in document]
    return document


def _parts(document: Any) -> Iterator[Any]:
    """All values of a document that hold no others, and all names of fields."""
    waiting = [(document, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise ModelFileError(f"its description is nested deeper than {DEEPEST} levels")
        if isinstance(value, dict):
            yield from value
            waiting += [(part, depth + 1) for part in value.values()]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        else:
            yield value
