"""Command lines that are shown, so that they can be pasted into a shell and do what they say."""

import os
import shlex
from collections.abc import Iterable

_OPTION, _NAMED_TEXT, _ZSH_COMMAND = "-", "@", "="


def command_line(arguments: Iterable[str]) -> str:
    """The arguments as one line for a POSIX shell, of printable characters only.

    What cannot be printed, bytes that are not UTF-8 among it, is written in hexadecimal, as bash and zsh read it.
    """
    return " ".join(map(_quoted, arguments))


def path_argument(path: "str | os.PathLike[str]") -> str:
    """A path as an argument that is taken for nothing else: an option begins with a dash, a named text with an @."""
    name = os.fspath(path)
    return os.path.join(".", name) if name.startswith((_OPTION, _NAMED_TEXT)) else name  # noqa: PTH118 - Path drops it


def escaped(text: str) -> str:
    """A text with what cannot be printed, and backslashes, as a flag takes them: a newline as backslash and n."""
    return "".join(map(_in_escapes, text))


def _in_escapes(character: str) -> str:
    return character if character.isprintable() and character != "\\" else character.encode("unicode_escape").decode()


def _quoted(argument: str) -> str:
    if not argument.isprintable():
        return "$'" + "".join(map(_escaped, argument)) + "'"
    if argument.startswith(_ZSH_COMMAND):
        return f"'{argument}'" if "'" not in argument else shlex.quote(argument)
    return shlex.quote(argument)


def _escaped(character: str) -> str:
    if character in "'\\":
        return "\\" + character
    if character.isprintable():
        return character
    try:
        data = os.fsencode(character)
    except UnicodeEncodeError:
        data = character.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)
