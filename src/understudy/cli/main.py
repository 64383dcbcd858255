"""`understudy`: reads the arguments, runs the command, and turns errors into one line and a status."""

import sys
from collections.abc import Sequence

from understudy.cli import evaluate, generate, info, train
from understudy.cli.arguments import Parser
from understudy.errors import UnderstudyError

COMMANDS = (train, generate, evaluate, info)


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
    except MemoryError:
        print("understudy: error: not enough memory; try a smaller model or batch", file=sys.stderr)
        return 1


def _one_line(message: str) -> str:
    return " ".join(message.encode("utf-8", "backslashreplace").decode().split())


if __name__ == "__main__":
    sys.exit(main())
