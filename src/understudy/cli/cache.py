"""`understudy cache`: what Understudy keeps outside of your run folders, and how it goes."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.checks import named
from understudy.cli.arguments import Parser
from understudy.showing.terminal import counted, say, say_document

if TYPE_CHECKING:
    from understudy.text.cache import Kept

_AGES = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "cache",
        help="what is kept to save time: encoded texts and fetched ones",
        description="Where Understudy keeps what it would otherwise make or fetch again: texts as numbers, which go "
        "when nobody used them for 30 days, as do copies of texts that lie elsewhere, and named texts that were "
        "fetched. "
        "UNDERSTUDY_CACHE names another folder.",
    )
    parser.add_argument("--clear", action="store_true", help="remove all of it; nothing else is touched")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Tell or clear; the status."""
    from understudy.text import cache

    folder = cache.cache_folder()
    files = cache.clear() if parsed.clear else cache.kept()
    if parsed.json:
        _print_document(folder, files, parsed.clear)
    else:
        _print_lines(folder, files, parsed.clear)
    return 0


def _print_document(folder: Path | None, files: "list[Kept]", cleared: bool) -> None:
    now = time.time()
    document = {
        "folder": None if folder is None else str(folder),
        "files": [
            {
                "name": _name(folder, file),
                "bytes": file.size,
                "seconds_unused": max(0, round(now - file.used)),
            }
            for file in files
        ],
        "bytes": sum(file.size for file in files),
        "cleared": cleared,
    }
    say_document(document)


def _print_lines(folder: Path | None, files: "list[Kept]", cleared: bool) -> None:
    if folder is None:
        say("There is no home folder to keep anything in; UNDERSTUDY_CACHE can name a folder for it.")
        return
    say(named(folder))
    total = f"{counted(len(files), 'file')}, {counted(sum(file.size for file in files), 'byte')}"
    if cleared:
        say(f"removed: {total}")
        return
    now = time.time()
    for file in files:
        say(f"  {_name(folder, file):<60}{file.size:>16,} bytes   used {_ago(now - file.used)}")
    say(total + ("; --clear removes them" if files else ""))


def _name(folder: Path | None, file: "Kept") -> str:
    return str(file.path if folder is None else file.path.relative_to(folder))


def _ago(seconds: float) -> str:
    for length, unit in _AGES:
        if seconds >= length:
            return f"{counted(int(seconds // length), unit)} ago"
    return "just now"
