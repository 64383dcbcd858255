"""`understudy`: reads the arguments, runs the command, and turns errors into one line and a status."""

import io
import re
import sys
from collections.abc import Sequence
from typing import TextIO

from understudy.cli import cache, evaluate, generate, info, train
from understudy.cli.arguments import Parser
from understudy.errors import UnderstudyError

_OUT_OF_MEMORY = re.compile("allocate memory|out of memory")  # PyTorch's words on a CPU and on a GPU
COMMANDS = (train, generate, evaluate, info, cache)


def parser() -> Parser:
    """The parser of the whole command line."""
    top = Parser(
        prog="understudy",
        description="Learns to write like any text you give it, on your own machine.",
        epilog="Begin with: understudy train TEXT, then: understudy generate runs/NAME",
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the status: 0 done, 1 failed, 2 the user's mistake, 130 or 143 interrupted."""
    _forgive(sys.stdout)
    try:
        parsed = parser().parse_args(arguments)
        if parsed.version:
            from importlib.metadata import version

            print(version("understudy"))
            return 0
        if parsed.command is None:
            parser().print_help()
            return 0
        status: int = parsed.run(parsed)
        sys.stdout.flush()
        return status
    except UnderstudyError as error:
        print(f"understudy: error: {_one_line(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("\nunderstudy: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has gone, as `| head` does
        sys.stdout = None
        return 0
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _OUT_OF_MEMORY.search(str(error)):
            raise
        print("understudy: error: not enough memory; try a smaller model or batch", file=sys.stderr)
        return 1


def _forgive(stream: TextIO | None) -> None:
    """Let a stream take any text: bytes that came in undecoded go out as they were, the rest escaped."""
    if isinstance(stream, io.TextIOWrapper):
        unicode = stream.encoding.lower().replace("-", "") in ("utf8", "utf16", "utf32")
        stream.reconfigure(errors="surrogateescape" if unicode else "backslashreplace")


def _one_line(message: str) -> str:
    return " ".join(message.encode("utf-8", "backslashreplace").decode().split())


if __name__ == "__main__":
    sys.exit(main())
