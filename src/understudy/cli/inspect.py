"""`understudy inspect`: what the units of a model follow in a text."""

import argparse

from understudy import checks
from understudy.cli.arguments import Parser, add_reading, reading
from understudy.showing.terminal import counted, say, say_document


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "inspect",
        help="what the units of a model follow in a text",
        description="The units that best follow simple things in a text, and a page to leaf through all of them.",
    )
    parser.add_argument("model", metavar="MODEL", help="a run folder or a model file, or @shakespeare")
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="files, folders, -, or @name")
    parser.add_argument("--html", metavar="FILE", help="also write a page of the text, coloured by any unit")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name; never a model")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Look at the units; the status."""
    from understudy.outputs import place_for

    place = place_for("--html", parsed.html, "units.html", overwrite=parsed.overwrite) if parsed.html else None
    from understudy.errors import TextError
    from understudy.generation.portable.engine import PortableEngine
    from understudy.model import file
    from understudy.runs.material import TextOptions
    from understudy.seeing.neurons import LOOKED_AT
    from understudy.seeing.units import look, page
    from understudy.showing.reading import shown_reading
    from understudy.storage import write_whole

    model = file.read(parsed.model)
    with shown_reading():
        corpus = TextOptions(tuple(parsed.texts), vocabulary=model.vocabulary.kind, **reading(parsed)).corpus()
        looked = look(corpus, model.vocabulary, PortableEngine(model, numbers="float32"), model.config)
    if not looked.text:
        raise TextError("there is nothing to look at: the text has no character that the model knows")
    if place is not None:
        learned = model.training.get("corpus", {}).get("name")
        what = f"What the units of a model{f' that learned from {learned}' if learned else ''} do as it reads."
        write_whole(place, page(looked, title=f"Units over {corpus.name}", what=what).encode())
    if parsed.json:
        follow = {
            name: [{**unit._asdict(), "layer": unit.layer + 1} for unit in units]
            for name, units in looked.follow.items()
        }
        say_document({"characters": len(looked.text), "unknown_characters": looked.unknown, "features": follow})
        return 0
    some = "" if looked.whole else f", the first {LOOKED_AT:,} of the text"
    unknown = f"; {counted(looked.unknown, 'character')} that the model never saw left out" if looked.unknown else ""
    say(f"{counted(len(looked.text), 'character')} read{some}{unknown}")
    say("\nthe units that follow something best, with the correlation of their activation\n")
    column = max((len(name) for name in looked.follow), default=0)
    for name, units in looked.follow.items():
        shown = "; ".join(f"{unit.named(model.config.layers)} ({unit.correlation:+.2f})" for unit in units)
        say(f"{name:<{column}}  {shown}")
    if place is not None:
        say(f"\n{checks.named(place)}: the text, coloured by any unit; open it in a browser")
    return 0
