"""`understudy export`: a model as files that need no Python."""

import argparse
import textwrap
from typing import TYPE_CHECKING

from understudy import checks
from understudy.cli.arguments import Parser
from understudy.exports.formats import FORMATS
from understudy.showing.terminal import one_line, say, say_document

if TYPE_CHECKING:
    from understudy.exports.writing import Exported
    from understudy.model.file import ModelFile

_WIDTH = 100


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="make a model into files that need no Python",
        description="Make a model into files that need no Python; docs/export.md tells how to write with them.",
    )
    parser.add_argument("model", metavar="MODEL", help="a run folder or a model file, or @shakespeare")
    parser.add_argument(
        "--to",
        required=True,
        choices=tuple(FORMATS),
        help="; ".join(f"{name}: {kind.tells}" for name, kind in FORMATS.items()),
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="the file (default: the model's name, in this folder)")
    parser.add_argument("--overwrite", action="store_true", help="replace files of that name; never a model")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    page = parser.add_argument_group("--to html")
    page.add_argument(
        "--called", metavar="NAME", help="MODEL in the command that the page shows (default: as it is given here)"
    )
    onnx = parser.add_argument_group("--to onnx")
    onnx.add_argument("--loop", action="store_true", help="loops with the draw inside, for ONNX Runtime, not one step")
    onnx.add_argument(
        "--draw", choices=("plain", "greedy", "top-k", "top-p", "top-k-top-p"), help="of the loop (default plain)"
    )
    onnx.add_argument("--precision", choices=("float32", "int8"), help="of the loop's products (default float32)")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Export, and tell what came of it; the status."""
    path = checks.place("--out", parsed.out) if parsed.out is not None else None
    from understudy.exports.writing import default_path, export
    from understudy.model import file

    model = file.read(parsed.model)
    names = {name for kind in FORMATS.values() for name in kind.options}
    options = {name: getattr(parsed, name) for name in sorted(names)}
    if parsed.to == "html" and parsed.called is None:
        from understudy.exports.html import calling

        options["called"] = calling(parsed.model)
    path = default_path(parsed.model, parsed.to) if path is None else path
    made = export(model, parsed.to, path, overwrite=parsed.overwrite, **options)
    if parsed.json:
        say_document(_document(model, parsed.to, made))
    else:
        _tell(model, made)
    return 0


def _document(model: "ModelFile", to: str, made: "Exported") -> dict[str, object]:
    return {
        "to": to,
        "files": [{"path": str(path), "bytes": size} for path, size in made.files.items()],
        "sizes": dict(made.sizes),
        "promise": made.promise,
        "config": model.config.to_document(),
        "vocabulary": model.vocabulary.to_document(),
        "card": dict(model.card),
    }


def _tell(model: "ModelFile", made: "Exported") -> None:
    config, corpus = model.config, model.training.get("corpus", {})
    layers = f"{config.layers} layers" if config.layers > 1 else "a layer"
    learned = f"; it learned from {corpus['name']}" if corpus.get("name") else ""
    what = "bytes" if model.vocabulary.kind == "bytes" else "characters"
    lines = [(checks.named(path), f"{size:,} bytes") for path, size in made.files.items()]
    lines += [(name, f"{size:,} bytes{' a stream' if name == 'state' else ''}") for name, size in made.sizes.items()]
    lines += [
        ("same seed", made.promise),
        ("model", f"{layers} of {config.units:,} {config.cell.upper()} units, {config.vocabulary:,} {what}{learned}"),
        *model.card.items(),
    ]
    column = max(12, *(len(one_line(name)) for name, _ in lines)) + 2
    for name, told in lines:
        shown = one_line(told)
        if name in model.card:
            shown = textwrap.shorten(shown, _WIDTH, placeholder=" ...")
        first, width = f"{one_line(name):<{column}}", column + _WIDTH
        say(textwrap.fill(shown, width, initial_indent=first, subsequent_indent=" " * column))
