"""Reading arguments: a parser whose complaints are one line, and the flags that several commands have.

Nothing here imports torch: `understudy --help` must answer at once.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from understudy import checks
from understudy.checks import named, shown
from understudy.errors import ConfigError, UserError
from understudy.shell import path_argument
from understudy.showing.terminal import say

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.|\Z)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_NO_VALUE = ": expected one argument"
"""How argparse ends its complaint about a flag without its value."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises what it has to complain about, and takes no abbreviations."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)
        self._dashed = ""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Read arguments, all of which must be known; see `argparse`."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._note_dashes(unknown)
            self.error(f"unrecognized arguments: {named(' '.join(unknown))}")
        return parsed

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read arguments, a value that begins with a dash too, where it is none of this parser's flags."""
        given = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(self._with_values(given), namespace)

    def error(self, message: str) -> NoReturn:
        """Raise the complaint, with where help is to be had.

        Raises:
            UserError: always.
        """
        way = f" (a file of that name is given as {named(path_argument(self._dashed))})" if self._dashed else ""
        if message.endswith(_NO_VALUE):
            option = message.removesuffix(_NO_VALUE).removeprefix("argument ").split("/")[-1]
            way = f"; one that looks like a flag is given as {option}=VALUE"
        raise UserError(f"{message}{way}; see {self.prog} --help")

    def _print_message(self, message: str, file: object = None) -> None:
        say(message, end="")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError:
            wanted = "a whole number" if action.type is whole else "a number"
            raise ConfigError(f"{_option(action)} {shown(arg_string)}: expected {wanted}") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None:
            checks.one_of(_option(action), value, tuple(action.choices))

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:  # which argparse may drop
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def _with_values(self, given: list[str]) -> list[str]:
        """The arguments, with values that begin with a dash tied to their flags, as argparse wants them."""
        tied: list[str] = []
        rest = list(given)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                return [*tied, argument, *rest]
            action = self._option_string_actions.get(argument)
            if action is None and not self._subparsers:
                self._note_dashes([argument])
            one_value = action is not None and action.nargs is None
            if action is not None and one_value and rest and rest[0].startswith("-") and not self._is_flag(rest[0]):
                argument = f"{action.option_strings[-1]}={rest.pop(0)}"
            elif one_value and rest and not self._is_flag(rest[0]):
                tied.append(argument)
                argument = rest.pop(0)
            tied.append(argument)
        return tied

    def _is_flag(self, argument: str) -> bool:
        return argument == "--" or argument.split("=", 1)[0] in self._option_string_actions

    def _note_dashes(self, arguments: list[str]) -> None:
        for argument in arguments:
            dashed = argument.startswith("-") and argument != "-" and not self._is_flag(argument)
            if dashed and (not argument.startswith("--") or os.path.lexists(argument)):
                self._dashed = argument


def _option(action: argparse.Action) -> str:
    """What an argument is called in messages: by its longest flag, or as the help names it."""
    return max(action.option_strings, key=len) if action.option_strings else str(action.metavar or action.dest)


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("no whole number") from None


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("no number") from None


def add_reading(parser: Parser) -> None:
    """The flags that say how texts are read; an ungiven one is None."""
    group = parser.add_argument_group("reading the text")
    group.add_argument("--glob", action="append", metavar="PATTERN", help="take these files from folders")
    group.add_argument("--encoding", metavar="NAME", help="how the files are encoded (default utf-8)")
    group.add_argument(
        "--text-field",
        metavar="NAME",
        help="read JSON lines or Parquet, and take this field (default text, where they are known to be that); '' for "
        "none",
    )
    group.add_argument(
        "--between",
        metavar="TEXT",
        help="what stands between two documents, escapes as in Python (default a newline after a line without one)",
    )
    group.add_argument("--newlines", choices=("keep", "lf"), help="lf: make every line end a newline")


def reading(parsed: argparse.Namespace) -> dict[str, Any]:
    """What the user said on how texts are read, as keywords of `TextOptions`."""
    found = {
        "globs": checks.texts("--glob", parsed.glob) if parsed.glob else None,
        "encoding": checks.text("--encoding", parsed.encoding) if parsed.encoding is not None else None,
        "newlines": parsed.newlines,
        "text_field": checks.text_field(parsed.text_field) if parsed.text_field is not None else None,
        "between": checks.between(_unescaped("--between", parsed.between)) if parsed.between is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _unescaped(name: str, text: str) -> str:
    """A text that is typed on one line: backslash and n stand for a newline, as in most programming languages.

    Raises:
        ConfigError: a backslash stands before what it gives no meaning.
    """

    def meant(found: re.Match[str]) -> str:
        sign = found[1]
        if sign in _SHORT:
            return _SHORT[sign]
        if len(sign) > 1 and int(sign[1:], 16) <= sys.maxunicode:
            return chr(int(sign[1:], 16))
        raise ConfigError(
            f"{name} {named(text)}: {named(found[0])} stands for nothing; expected \\n, \\t, \\r, \\\\ or \\u and four "
            f"digits"
        )

    return _ESCAPE.sub(meant, text)
