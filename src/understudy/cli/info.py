"""`understudy info`: what is in a text, or in a model."""

import argparse
import textwrap
from typing import TYPE_CHECKING, Any

from understudy.cli.arguments import Parser, add_reading, reading
from understudy.errors import UserError
from understudy.showing.terminal import one_line, say, say_document, visible

if TYPE_CHECKING:
    from understudy.model.file import ModelFile
    from understudy.text.corpus import Corpus, Survey

_HEAD = 250


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "info",
        help="what is in a text or a model",
        description="A text: its length, its beginning, its characters and their ids. A model: its layers and "
        "how it was trained.",
    )
    parser.add_argument("what", nargs="*", metavar="MODEL|TEXT", help="a run folder, a model file, or texts")
    parser.add_argument("--vocabulary", choices=("characters", "bytes"), default="characters", help="of a text")
    parser.add_argument("--machine", action="store_true", help="tell of this machine instead, and what is used of it")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Tell; the status."""
    if parsed.machine:
        if parsed.what:
            raise UserError("--machine tells of the machine alone; leave MODEL and TEXT out")
        from understudy.cli.machine import show

        return show(as_json=parsed.json)
    if not parsed.what:
        raise UserError("name a MODEL or a TEXT, or ask for --machine; see understudy info --help")
    from understudy.model import file

    if len(parsed.what) == 1 and file.looks_like_model(parsed.what[0]):
        return _model(file.read(parsed.what[0]), parsed.json)
    from understudy.runs.material import TextOptions
    from understudy.showing.reading import shown_reading
    from understudy.text.corpus import survey

    options = TextOptions(tuple(parsed.what), vocabulary=parsed.vocabulary, **reading(parsed))
    with shown_reading():
        corpus = options.corpus()
        seen = survey(corpus, options.vocabulary)
    return _text(corpus, seen, parsed.json)


def _model(model: "ModelFile", as_json: bool) -> int:
    from understudy.model.summary import summary

    rows = summary(model.config)
    if as_json:
        document = {
            "config": model.config.to_document(),
            "parameters": model.config.parameters,
            "layers": [row._asdict() for row in rows],
            "vocabulary": model.vocabulary.to_document(),
            "training": model.training,
            "card": dict(model.card),
        }
        say_document(document)
        return 0
    say(f"{'layer':<24}{'output':<18}{'parameters':>14}")
    for row in rows:
        say(f"{row.name:<24}{row.output:<18}{row.parameters:>14,}")
    say(f"{'':<42}{model.config.parameters:>14,}")
    say("\n(T time, B batch)\n")
    if "imported" in model.training:
        _say_imported(model.training["imported"])
    else:
        _say_training(model.training)
    if model.vocabulary.kind == "bytes":
        say(f"vocabulary   {len(model.vocabulary):,} bytes")
    else:
        say(f"vocabulary   {len(model.vocabulary):,} characters: {_shown(model.vocabulary.characters)}")
    say(f"written by   Understudy {model.training.get('library_version')}")
    for heading, text in model.card.items():
        say(f"\n{heading}\n{textwrap.fill(text, 100, initial_indent='  ', subsequent_indent='  ')}")
    return 0


def _say_imported(imported: dict[str, Any]) -> None:
    """Where weights that another library wrote came from, and what was assumed of them."""
    say(f"imported     {one_line(imported['format'])}")
    for name, digest in imported["files"].items():
        say(f"SHA-256      {one_line(digest)}  {one_line(name)}")
    for note in imported["notes"]:
        say(f"note         {one_line(note)}")


def _say_training(training: dict[str, Any]) -> None:
    """What was learned from, how long, and how well."""
    corpus = training.get("corpus", {})
    say(f"text         {corpus.get('name')}, {corpus.get('characters', 0):,} characters")
    say(f"SHA-256      {corpus.get('sha256')}")
    if origin := training.get("origin"):
        say(f"began from   {_origin(origin)}")
    say(f"steps        {training.get('steps', 0):,} ({training.get('characters_seen', 0):,} characters learned from)")
    if training.get("validation_loss") is not None:
        say(
            f"validation   {training['validation_loss']:.4f} nats a character in windows of 256, "
            f"{training['validation_loss_streamed']:.4f} streamed, "
            f"on {training.get('looked_at', corpus.get('validation_characters', 0)):,} characters"
        )
    else:
        say("validation   none: the whole text was learned from")
        if "held_back" in training:
            before = training["held_back"]
            say(
                f"             with a part held back, the same recipe came to {before['validation_loss']:.4f} in "
                f"windows of 256, {before['validation_loss_streamed']:.4f} streamed"
            )
    if training.get("temperature", 1.0) != 1:
        say(f"temperature  {training['temperature']:.3f} suited the text held back; the output layer has it in it")


def _origin(origin: dict[str, Any]) -> str:
    """Which model the weights came from; an older file tells less of it."""
    name = origin.get("model") or f"a model of {origin.get('name')}"
    digest = f", SHA-256 {one_line(origin['sha256'])}" if "sha256" in origin else ""
    return f"{one_line(name)}, {origin.get('steps') or 0:,} steps{digest}"


def _text(corpus: "Corpus", seen: "Survey", as_json: bool) -> int:
    import numpy as np

    from understudy.text.amount import RARE, advice
    from understudy.text.vocabulary import printable

    vocabulary = seen.vocabulary()
    first_ids = np.searchsorted(vocabulary.symbols, corpus.head(seen.kind, _HEAD))
    head = vocabulary.decode(first_ids)
    pairs = [(int(code), int(count)) for code, count in zip(seen.codes, seen.counts, strict=True)]
    ids = dict(zip(vocabulary.symbols.tolist(), range(len(vocabulary)), strict=True))
    if as_json:
        document: dict[str, Any] = {
            "name": corpus.name,
            "kind": seen.kind,
            "length": seen.length,
            "sha256": seen.sha256,
            "distinct": len(pairs),
            "head": head,
            "vocabulary": [{"id": ids[code], "code_point": code, "count": count} for code, count in pairs],
        }
        say_document(document)
        return 0
    unit = "characters" if seen.kind == "characters" else "bytes"
    say(f"{corpus.name}: {seen.length:,} {unit}, {len(pairs):,} distinct\nSHA-256 {seen.sha256}\n")
    say(f"It begins:\n{_indented(head)}\n")
    first = first_ids[:13]
    say(f"The first {len(first)} as ids: {vocabulary.decode(first)!r} → {' '.join(map(str, first))}\n")
    name = printable if seen.kind == "characters" else (lambda symbol: f"byte 0x{ord(symbol):02X}")
    say(f"{'symbol':<20}{'id':>7}{'count':>14}{'share':>10}")
    shown = pairs if len(pairs) <= 100 else sorted(pairs, key=lambda pair: -pair[1])[:100]
    for code, count in shown:
        say(f"{name(chr(code)):<20}{ids[code]:>7}{count:>14,}{count / seen.length:>10.3%}")
    if len(shown) < len(pairs):
        say(f"... and {len(pairs) - len(shown):,} rarer ones (--json lists all)")
    rare = [code for code, count in pairs if count < RARE]
    if rare:
        names = ", ".join(name(chr(code)) for code in rare[:30]) + (", ..." if len(rare) > 30 else "")
        say(f"\nRare: {len(rare)} come fewer than {RARE} times and will hardly be learned: {names}")
    for note in (corpus.left_out_note, seen.newlines_note):
        if note is not None:
            say(f"\nnote: {note}")
    say(f"\n{advice(seen.length)}")
    return 0


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in visible(text).splitlines())


def _shown(characters: str) -> str:
    text = repr(characters)
    return text if len(text) <= 200 else text[:200] + "…"
