"""Every command that is shown can be pasted into a shell."""

import subprocess

import pytest

from understudy.shell import command_line, path_argument

ODD = [
    "plain",
    "",
    "a folder",
    "it's",
    'a "quote"',
    "[a]*?{b,c}",
    "$HOME `id` $(id) !x #y ~ ; | & < >",
    "=ls",
    "='",
    "\\",
    "a\nb\tc\r",
    "\x1b[2J'\\\x7f0",
    "\x9b1\u202e\u2028",
    "漢字 é",
    "bytes \udcff\udcfe0",
    "é\x01é",
]


def test_a_pasted_line_gives_the_arguments_that_it_was_made_from() -> None:
    line = command_line(["printf", "%s\\0", *ODD])
    assert line.isprintable()
    given = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout.split(b"\0")[:-1]
    assert [argument.decode("utf-8", "surrogateescape") for argument in given] == ODD


@pytest.mark.parametrize(
    ("path", "argument"),
    [("-run", "./-run"), ("@run", "./@run"), ("--", "./--"), ("run", "run"), ("./-x", "./-x"), ("/-x", "/-x")],
)
def test_a_path_is_taken_for_nothing_else(path: str, argument: str) -> None:
    assert path_argument(path) == argument
