"""`understudy import`: a model of TensorFlow's, Keras's or PyTorch's becomes one of ours."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from understudy import checks
from understudy.cli.arguments import Parser, add_reading, reading
from understudy.shell import command_line, path_argument
from understudy.showing.terminal import counted, say, say_document

if TYPE_CHECKING:
    from understudy.foreign.importing import Imported


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "import",
        help="make a model of weights that TensorFlow, Keras or PyTorch wrote",
        description="Read an Embedding, one or more layers of GRU or LSTM, and a Dense layer out of Keras's .keras, "
        ".h5 or .weights.h5, a TensorFlow checkpoint, or a PyTorch state dict in .safetensors. Such files tell no "
        "characters: name the text that was learned from, or the characters themselves.",
    )
    parser.add_argument("file", metavar="FILE", help="the file, or a checkpoint's folder, index or name")
    symbols = parser.add_mutually_exclusive_group()
    symbols.add_argument(
        "--text", action="append", metavar="TEXT", help="what it learned from: files, folders, -, or @name"
    )
    symbols.add_argument("--vocabulary", metavar="FILE", help="a JSON list of its characters in the order of their ids")
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="a new folder for the model")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Import; the status."""
    from understudy.foreign import placing
    from understudy.foreign.importing import import_weights

    out = checks.place("--out", parsed.out)
    placing.check_new(out)
    imported = import_weights(
        parsed.file,
        texts=parsed.text or (),
        vocabulary=Path(checks.path("--vocabulary", parsed.vocabulary)) if parsed.vocabulary is not None else None,
        **reading(parsed),
    )
    path = placing.put(imported.model, out)
    if parsed.json:
        _print_document(imported, path)
    else:
        _print_lines(imported, out)
    return 0


def _print_document(imported: "Imported", path: Path) -> None:
    model = imported.model
    say_document(
        {
            "model": str(path),
            "format": imported.format,
            "config": model.config.to_document(),
            "parameters": model.config.parameters,
            "vocabulary": model.vocabulary.to_document(),
            "notes": imported.notes,
        }
    )


def _print_lines(imported: "Imported", out: Path) -> None:
    config = imported.model.config
    symbols = "bytes" if imported.model.vocabulary.kind == "bytes" else "characters"
    say(
        f"{imported.format}: {config.cell.upper()}, {counted(config.layers, 'layer')} of {config.units:,} units, "
        f"{config.vocabulary:,} {symbols}, {config.parameters:,} parameters"
    )
    for note in imported.notes:
        say(f"note: {note}")
    say(f"write with it: {command_line(['understudy', 'generate', path_argument(out)])}")
