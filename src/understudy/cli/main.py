"""`understudy`: reads the arguments, runs the command, and turns errors into one line and a status."""

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

from understudy.cli.arguments import Parser
from understudy.errors import UnderstudyError, UserError
from understudy.showing.terminal import hold_standard_numbers, let_go, one_line, say, tell

_OUT_OF_MEMORY = re.compile("allocate memory|out of memory")  # PyTorch's words on a CPU and on a GPU
_MODULES = {
    **{name: name for name in ("train", "generate", "serve", "evaluate", "score", "inspect", "info", "export")},
    "import": "import_weights",
    "cache": "cache",
}
"""The commands, and which module of this package each is."""
_WITH_TORCH = ("train", "evaluate", "info")


def parser(asked: str | None = None) -> Parser:
    """The parser of the command line: of one command where that is asked for by name, which is the sooner made."""
    top = Parser(
        prog="understudy",
        description="Learns to write like any text you give it, on your own machine.",
        epilog="Begin with: understudy train TEXT, then: understudy generate runs/NAME",
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name in [asked] if asked in _MODULES else _MODULES:
        import_module(f"understudy.cli.{_MODULES[name]}").add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the status: 0 done, 1 failed, 2 the user's mistake, 129, 130 or 143 interrupted."""
    hold_standard_numbers()
    try:
        return _status(arguments)
    finally:
        let_go()


def _status(arguments: Sequence[str] | None) -> int:
    try:
        given = sys.argv[1:] if arguments is None else arguments
        parsed = parser(given[0] if given else None).parse_args(given)
        if parsed.version:
            from importlib.metadata import version

            say(version("understudy"))
            return 0
        if parsed.command is None:
            parser().print_help()
            return 0
        if parsed.command in _WITH_TORCH:
            _check_working_folder()
            from understudy.model.cores import wait_briefly

            wait_briefly()
        status: int = parsed.run(parsed)
        return status
    except UnderstudyError as error:
        tell(f"understudy: error: {one_line(str(error))}")
        return error.exit_status
    except KeyboardInterrupt:
        tell("\nunderstudy: interrupted")
        return 130
    except BrokenPipeError:  # the reader has gone, as `| head` does
        return 0
    except (MemoryError, RuntimeError) as error:
        failure = _machine_s(error)
        if failure is None:
            raise
        tell(f"understudy: error: {failure}")
        return 1


def _machine_s(error: MemoryError | RuntimeError) -> str | None:
    """What to say of a failure that is the machine's; None where it is the program's."""
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return "not enough memory; try a smaller model or batch"
    if "torch" not in sys.modules:
        return None
    from understudy.model.gpu import failed

    failure = failed(error, "try again")
    return None if failure is None else str(failure)


def _check_working_folder() -> None:
    """Refuse a working folder that is gone, in which the libraries under PyTorch end the process as it is imported."""
    try:
        os.getcwd()  # noqa: PTH109 - it is the question, not the path
    except OSError as error:
        raise UserError("the working folder is gone, or may not be looked at; go to another, with cd") from error


if __name__ == "__main__":
    sys.exit(main())
