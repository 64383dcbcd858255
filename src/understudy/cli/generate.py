"""`understudy generate`: write like a text that was learned."""

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from understudy import checks
from understudy.cli import copying
from understudy.cli.arguments import Parser, number, whole
from understudy.errors import ConfigError
from understudy.showing.terminal import Outlet, say_bytes, say_document, say_text, tell

if TYPE_CHECKING:
    from understudy.generation.stream import Writing

BOXED = "@shakespeare"
"""The model that comes with the package."""


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "generate", help="write like a text that was learned", description="Write with a trained model."
    )
    parser.add_argument(
        "model", nargs="?", default=BOXED, metavar="MODEL", help=f"a run folder or a model file (default {BOXED})"
    )
    parser.add_argument("--start", default="", metavar="TEXT", help="what comes before (default: a line's start)")
    parser.add_argument("--length", type=whole, default=500, metavar="N", help="characters to write (default 500)")
    parser.add_argument(
        "--temperature", type=number, default=0.8, metavar="T", help="0 is the most probable (default 0.8)"
    )
    parser.add_argument("--top-k", type=whole, metavar="K", help="draw from the K most probable characters")
    parser.add_argument("--top-p", type=number, metavar="P", help="draw from the fewest whose shares reach P")
    parser.add_argument("--samples", type=whole, default=1, metavar="N", help="texts to write (default 1)")
    parser.add_argument("--seed", type=whole, metavar="S", help="the same seed gives the same text")
    parser.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before this text")
    parser.add_argument("--unknown", choices=("error", "skip"), default="error", help="unseen characters of --start")
    parser.add_argument(
        "--precision", choices=("int8", "float32"), help="of the matrix products (default int8; on a GPU float32)"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to write (default cpu)")
    copying.add_to(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    parser.add_argument("--bytes", action="store_true", help="write the bytes themselves, and no newline after them")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Write; the status."""
    from understudy.api import load
    from understudy.generation.sampling import Sampling
    from understudy.generation.stream import Plan
    from understudy.trained import guarded

    checks.whole("--samples", parsed.samples, 1)
    if parsed.bytes:
        _check_bytes(parsed)
    copying.check(parsed)
    sampling = Sampling(parsed.temperature, parsed.top_k, parsed.top_p)
    plan = Plan(parsed.length, sampling, tuple(parsed.stop))
    model = load(parsed.model, precision=parsed.precision, device=parsed.device, only_writes=True)
    if parsed.device == "cpu":
        _tell_when_slow()
    learned = copying.learned(parsed)
    if learned is not None and parsed.no_copies:
        model = guarded(model, learned, parsed.no_copies)
    first = model.start(parsed.start, seed=parsed.seed, unknown=parsed.unknown)
    writing = model.writing(first, parsed.samples, plan)
    marks = None
    if learned is not None and parsed.mark_copies:
        marks = copying.Marks(writing, model.vocabulary, parsed.start, learned, parsed.mark_copies)
    if parsed.bytes:
        for _ in writing:
            pass
        say_bytes(parsed.start.encode("utf-8", "surrogateescape") + writing.data[0])
    elif parsed.json:
        say_document(_document(writing, parsed.start, marks))
    elif parsed.samples == 1 and marks is None:
        say_text(parsed.start)
        for piece in writing:
            say_text(piece.text)
        say_text("\n")
    else:
        for _ in writing:
            pass
        texts = writing.texts if marks is None else marks.texts()
        for place, (text, state) in enumerate(zip(texts, writing.states, strict=True)):
            title = f"--- seed {state.seed} ---\n" if parsed.samples > 1 else ""
            say_text(("\n" if place else "") + f"{title}{parsed.start}{text}\n")
        if marks is not None:
            tell(marks.summary())
    return 0


def _tell_when_slow() -> None:
    """Say so where NumPy writes and nobody asked for it."""
    from understudy.generation.portable import compiled
    from understudy.model.paths import CHOICE

    if not (compiled.available() or os.environ.get(CHOICE)):
        tell(
            f"understudy: note: this is written by {compiled.described(compiled.path())}; it takes many times as long. "
            f"Install a C compiler, then Understudy once more"
        )


def _check_bytes(parsed: argparse.Namespace) -> None:
    if parsed.json or parsed.samples > 1:
        raise ConfigError(
            f"--bytes writes one text and nothing else; leave {'--json' if parsed.json else '--samples'} out"
        )
    if Outlet(sys.stdout).isatty():
        raise ConfigError(
            "--bytes: standard output is a terminal, which bytes may control; send them to a file or a pipe"
        )


def _document(writing: "Writing", prompt: str, marks: "copying.Marks | None") -> dict[str, object]:
    began = time.perf_counter()
    for _ in writing:
        pass
    seconds = time.perf_counter() - began
    drawn = sum(state.drawn for state in writing.states)
    copies: list[dict[str, object]] = [{}] * len(writing.states) if marks is None else marks.documents()
    samples = [
        {"text": text, "prompt": prompt, "seed": state.seed, "finish_reason": reason, **copied}
        for text, state, reason, copied in zip(
            writing.texts, writing.states, writing.finish_reasons, copies, strict=True
        )
    ]
    return {"samples": samples, "characters_per_second": drawn / seconds if seconds else 0.0}
