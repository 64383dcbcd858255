"""`understudy evaluate`: how well a model predicts a text."""

import argparse
import json
from typing import TYPE_CHECKING

from understudy.cli.arguments import Parser, add_reading, reading, whole
from understudy.cli.terminal import counted

if TYPE_CHECKING:
    from understudy.evaluation.protocols import Score


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="how well a model predicts a text",
        description="Mean nats and bits a character, by one of two protocols.",
    )
    parser.add_argument("model", metavar="MODEL", help="a run folder or a model file")
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="files, folders, -, or @name")
    parser.add_argument(
        "--protocol",
        choices=("streamed", "windowed"),
        default="streamed",
        help="the state carried through the text, or windows from the zero state (default streamed)",
    )
    parser.add_argument("--window", type=whole, default=256, metavar="W", help="characters a window (default 256)")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Evaluate; the status."""
    from understudy.errors import ConfigError

    if parsed.window < 1:
        raise ConfigError(f"--window {parsed.window}: expected a whole number from 1")
    from understudy.evaluation.protocols import evaluate
    from understudy.model import file
    from understudy.model.parameters import network_of
    from understudy.text import encoded
    from understudy.text.corpus import survey
    from understudy.training.material import TextOptions

    model = file.read(parsed.model)
    options = TextOptions(tuple(parsed.texts), vocabulary=model.vocabulary.kind, **reading(parsed))
    corpus = options.corpus()
    seen = survey(corpus, model.vocabulary.kind)
    ids = encoded.encode(corpus, seen, model.vocabulary).ids
    unknown = seen.unknown_to(model.vocabulary)
    score = evaluate(network_of(model), ids, parsed.protocol, parsed.window)
    if parsed.json:
        print(json.dumps(_document(score, sum(unknown.values()))))
    else:
        _show(score, unknown)
    return 0


def _document(score: "Score", unknown: int) -> dict[str, object]:
    how = {"window": score.window} if score.window is not None else {"streams": score.streams}
    return {
        "loss": score.loss,
        "bits_per_character": score.bits_per_character,
        "characters": score.characters,
        "protocol": score.protocol,
        **how,
        "unknown_characters": unknown,
    }


def _show(score: "Score", unknown: dict[str, int]) -> None:
    from understudy.text.vocabulary import printable

    how = f"windows of {score.window}" if score.window is not None else counted(score.streams or 1, "stream")
    print(f"{score.loss:.4f} nats, {score.bits_per_character:.4f} bits a character")
    print(f"{counted(score.characters, 'character')} predicted, {score.protocol}, {how}")
    if unknown:
        names = ", ".join(
            f"{printable(symbol)} {counted(count, 'time')}" for symbol, count in list(unknown.items())[:20]
        )
        more = ", ..." if len(unknown) > 20 else ""
        print(
            f"left out because the model never saw them: {counted(sum(unknown.values()), 'character')}: {names}{more}"
        )
