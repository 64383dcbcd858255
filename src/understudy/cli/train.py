"""`understudy train`: learn a text."""

import argparse
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from understudy import checks
from understudy.cli.arguments import Parser, add_reading, reading, whole
from understudy.cli.recipe_flags import add_recipe, given_settings
from understudy.errors import DivergedError
from understudy.runs.signals import Caught, Interrupted, signals
from understudy.showing.terminal import say_document, tell
from understudy.training.recipe import DEFAULT_PRESET, PRESETS, preset

if TYPE_CHECKING:
    from understudy.runs.request import Request
    from understudy.runs.session import Session
    from understudy.showing.plain import Plain

_SPECIAL = frozenset({"validation"})
_MOST_THREADS = 1024
"""More is a slip of the finger, and more than a system may give."""


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="learn a text",
        description="Learn a text: files, folders, - for standard input, @python or @shakespeare, addresses.",
    )
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="what to learn from")
    parser.add_argument("-o", "--out", metavar="DIR", help="the run folder (default runs/NAME)")
    parser.add_argument(
        "--preset", metavar="|".join(PRESETS), help=f"the recipe to begin with (default {DEFAULT_PRESET})"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --out")
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="MODEL|none",
        help="begin from its weights, or from nothing (by default from @base, where --preset auto finds that it helps)",
    )
    parser.add_argument(
        "--use-all-text",
        action="store_true",
        help="find out on the held-back part how long to train, then learn from everything, in the same minutes",
    )
    parser.add_argument("--sample", type=whole, metavar="N", help="write N characters at the end")
    parser.add_argument("--threads", type=whole, metavar="N", help="cores to use at a time (default all that it may)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors, and the sample of --sample")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into the run folder")
    add_reading(parser)
    parser.add_argument("--vocabulary", choices=("characters", "bytes"), help="what a symbol is (default characters)")
    parser.add_argument(
        "--validation",
        metavar="SHARE|FILE",
        help="the share at the text's end to hold back (default 0.1), or a file",
    )
    add_recipe(parser, _SPECIAL)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Train, showing how it goes; the status."""
    session: Session | None = None
    began = time.perf_counter()
    if "WORLD_SIZE" in os.environ:  # else PyTorch, as it is imported, makes ready to print traces of its own
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    with signals() as caught:
        try:
            request = _request(parsed, began)
            from understudy.ranks.joining import place
            from understudy.runs.whole_text import sessions
            from understudy.showing.choice import display
            from understudy.training.machine import use_threads

            use_threads(parsed.threads)
            screen = display(quiet=parsed.quiet or place().rank > 0, to_stderr=parsed.json)
            for session in sessions(request):
                if status := _sitting(session, screen, caught):
                    return status
                session.close()
            assert session is not None
            return _finish(session, parsed, screen) if session.ranks.leads else 0
        except Interrupted as interruption:
            caught.ending = True
            tell(f"interrupted; {_way_on(session)}")
            return 128 + interruption.number
        finally:
            if session is not None:
                session.close()


def _sitting(session: "Session", screen: "Plain", caught: Caught) -> int:
    with screen.preparing():
        for line in session.prepare():
            screen.line(line)
    if caught.number is not None:  # it was raised where Python ignores what is raised: in a finaliser, say
        raise Interrupted(caught.number)
    caught.held = True
    try:
        with screen.training(session):
            for report in session.reports():
                if report is not None:
                    screen.show(report)
                if session.stops(caught.number is not None):
                    break
    except DivergedError:
        _leave_report(session)  # which shows where it went wrong
        raise
    if session.stops(caught.number is not None) and not session.finished:
        session.save()
        if session.ranks.leads:
            screen.interrupted(session)
        _leave_report(session)
        return 128 + (caught.number or signal.SIGTERM)
    caught.held = False
    _leave_report(session)
    return 0


def _leave_report(session: "Session") -> None:
    """Write the page on the run; one that cannot be written costs the run nothing."""
    from understudy.reporting import writing

    if trouble := writing.leave(session):
        tell(f"understudy: note: {trouble}")


def _way_on(session: "Session | None") -> str:
    """What is left to a user whose program ends where it stands."""
    if session is None or not session.resumable:
        return "training had not begun, and nothing is kept"
    return f"go on from the last checkpoint with:\n  {session.resume_command}"


def _request(parsed: argparse.Namespace, began: float) -> "Request":
    settings = given_settings(parsed, _SPECIAL)
    options: dict[str, Any] = reading(parsed)
    if parsed.vocabulary is not None:
        options["vocabulary"] = parsed.vocabulary
    if parsed.validation is not None:
        try:
            settings["validation"] = float(parsed.validation)
        except ValueError:
            options["validation_file"] = parsed.validation
    if parsed.sample is not None:
        checks.whole("--sample", parsed.sample, 1)
    if parsed.threads is not None:
        checks.whole("--threads", parsed.threads, 1, _MOST_THREADS)
    folder = checks.place("--out", parsed.out) if parsed.out is not None else None
    preset(DEFAULT_PRESET if parsed.preset is None else parsed.preset).with_settings(**settings)
    from understudy.runs.material import TextOptions
    from understudy.runs.request import Request, origin_named

    return Request(
        TextOptions(tuple(parsed.texts), **options) if parsed.texts or options else None,
        parsed.preset,
        settings,
        folder,
        parsed.resume,
        parsed.overwrite,
        origin_named(parsed.origin),
        parsed.tensorboard,
        frozenset(options),
        parsed.use_all_text,
        began=began,
        threads=parsed.threads,
    )


def _finish(session: "Session", parsed: argparse.Namespace, screen: "Plain") -> int:
    from understudy.runs.ownership import report_in

    result = session.result()
    if report_in(session.folder.path) is not None:
        result["report"] = str(session.folder.report)
    if parsed.sample:
        from understudy.api import load

        result["text"] = load(session.folder.model).generate(length=parsed.sample, seed=session.facts.recipe.seed)
    if parsed.json:
        say_document(result)
    else:
        screen.result(result)
    return 0
