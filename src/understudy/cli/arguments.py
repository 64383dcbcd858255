"""Reading arguments: a parser whose complaints are one line, and flags made from a recipe's fields.

Nothing here imports torch: `understudy --help` must answer at once.
"""

import argparse
from dataclasses import fields
from typing import Any, NoReturn, get_args, get_type_hints

from understudy.errors import UserError
from understudy.training.recipe import CHOSEN, DEFAULT_PRESET, Recipe, flag, plain_type, preset


class Parser(argparse.ArgumentParser):
    """An argument parser that raises what it has to complain about, and takes no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise the complaint, with where help is to be had.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; see {self.prog} --help")


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def add_recipe(parser: Parser, leave_out: frozenset[str]) -> None:
    """One flag for each setting of a recipe; an ungiven one is None, so that the preset decides."""
    group = parser.add_argument_group(f"the recipe (defaults are those of --preset {DEFAULT_PRESET})")
    usual = preset(DEFAULT_PRESET).to_document()
    hints = get_type_hints(Recipe)
    for entry in fields(Recipe):
        if entry.name in leave_out:
            continue
        wanted = plain_type(hints[entry.name])
        choices = get_args(wanted) or None
        default = "" if usual[entry.name] is None else f" (default {usual[entry.name]})"
        if entry.name in CHOSEN:
            default = " (by default chosen from the text's size and the time)"
        group.add_argument(
            flag(entry.name),
            choices=choices,
            type=str if choices else (whole if wanted is int else number),
            metavar=None if choices else ("N" if wanted is int else "X"),
            help=f"{entry.metadata['help']}{default}",
        )


def given_settings(parsed: argparse.Namespace, leave_out: frozenset[str]) -> dict[str, Any]:
    """The settings of the recipe that the user gave."""
    names = (entry.name for entry in fields(Recipe) if entry.name not in leave_out)
    return {name: getattr(parsed, name) for name in names if getattr(parsed, name) is not None}


def add_reading(parser: Parser) -> None:
    """The flags that say how texts are read; an ungiven one is None."""
    group = parser.add_argument_group("reading the text")
    group.add_argument("--glob", action="append", metavar="PATTERN", help="take these files from folders")
    group.add_argument("--encoding", metavar="NAME", help="how the files are encoded (default utf-8)")
    group.add_argument("--newlines", choices=("keep", "lf"), help="lf: make every line end a newline")


def reading(parsed: argparse.Namespace) -> dict[str, Any]:
    """What the user said on how texts are read, as keywords of `TextOptions`."""
    found = {
        "globs": tuple(parsed.glob) if parsed.glob else None,
        "encoding": parsed.encoding,
        "newlines": parsed.newlines,
    }
    return {name: value for name, value in found.items() if value is not None}
