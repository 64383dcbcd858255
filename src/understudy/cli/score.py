"""`understudy score`: which parts of a text surprise a model."""

import argparse
import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy import checks
from understudy.cli.arguments import Parser, add_reading, reading, whole
from understudy.showing.terminal import counted, one_line, say, say_document

if TYPE_CHECKING:
    from understudy.model.file import ModelFile
    from understudy.seeing.places import Place
    from understudy.seeing.surprise import Surprise
    from understudy.text.corpus import Corpus

TOP = 20
_WIDTH = 80
"""So many characters of a place are shown in the table."""
_BYS, _RANKS = ("character", "word", "line", "file"), ("excess", "mean", "total")


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "score",
        help="which parts of a text surprise a model",
        description="Nats of every character of a text, and a table of the most surprising lines.",
    )
    parser.add_argument("model", metavar="MODEL", help="a run folder or a model file, or @shakespeare")
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="files, folders, -, or @name")
    parser.add_argument("--by", choices=_BYS, default="line", help="what is scored (default line)")
    parser.add_argument("--top", type=whole, metavar="N", help=f"show the N most surprising (default {TOP})")
    parser.add_argument(
        "--rank",
        choices=_RANKS,
        default="excess",
        help="by the total of nats, their mean, or how far the total is beyond the text's mean, in units of the root "
        "of the number of characters (default excess)",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="read each line as if it were the first, and not in the light of what came before it",
    )
    parser.add_argument("--json", action="store_true", help="print every one in order, or the --top N, as JSON lines")
    parser.add_argument("--html", metavar="FILE", help="also write a page of the text, coloured by surprise")
    parser.add_argument("--overwrite", action="store_true", help="replace a file of that name; never a model")
    parser.add_argument(
        "--precision", choices=("int8", "float32"), default="float32", help="of the matrix products (default float32)"
    )
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Score, and show what is surprising; the status."""
    top = checks.whole("--top", parsed.top, 1) if parsed.top is not None else None
    from understudy.outputs import place_for

    place = place_for("--html", parsed.html, "heat.html", overwrite=parsed.overwrite) if parsed.html else None
    from understudy.errors import TextError
    from understudy.generation.portable.engine import PortableEngine
    from understudy.model import file
    from understudy.runs.material import TextOptions
    from understudy.seeing.heat import ALTERNATIVES
    from understudy.seeing.scoring import Scorer
    from understudy.seeing.surprise import surprise
    from understudy.showing.reading import shown_reading

    model = file.read(parsed.model)
    engine = PortableEngine(model, numbers=parsed.precision, fused=True)
    with ExitStack() as held:
        with shown_reading():
            corpus = TextOptions(tuple(parsed.texts), vocabulary=model.vocabulary.kind, **reading(parsed)).corpus()
            scorer = Scorer(engine, len(model.vocabulary))
            found = held.enter_context(surprise(corpus, model.vocabulary, scorer, fresh=parsed.fresh))
        if not found.predicted:
            raise TextError(
                "there is nothing to score: the text has too few characters that the model knows, two at least"
            )
        if place is not None:
            scorer = Scorer(engine, len(model.vocabulary), ALTERNATIVES)
            _write_page(model, corpus, scorer, found, place, fresh=parsed.fresh)
        if parsed.json:
            several = found.places(parsed.by) if top is None else found.most(parsed.by, top, parsed.rank)
            for entry in several:
                say_document(_document(corpus, entry))
        else:
            _show(corpus, found, parsed, TOP if top is None else top)
            if corpus.left_out_note is not None:
                say(f"note: {corpus.left_out_note}")
            if place is not None:
                say(f"\n{checks.named(place)}: the text, coloured by surprise; open it in a browser")
    return 0


def _write_page(
    model: "ModelFile", corpus: "Corpus", scorer: Any, found: "Surprise", place: Path, *, fresh: bool
) -> None:
    from understudy.seeing.heat import head, page
    from understudy.storage import write_whole

    learned = model.training.get("corpus", {}).get("name")
    what = f"How surprising each character is to a model{f' that learned from {learned}' if learned else ''}."
    made = page(
        head(corpus, model.vocabulary, scorer, fresh=fresh),
        model.vocabulary,
        title=f"Surprise in {corpus.name}",
        what=what,
        counts=_counts(found, fresh=fresh),
    )
    write_whole(place, made.encode())


def _counts(found: "Surprise", *, fresh: bool) -> str:
    how = "each line afresh" if fresh else "the state carried"
    unknown = f"; {counted(found.unknown, 'character')} that the model never saw" if found.unknown else ""
    bits = found.mean / math.log(2)
    return (
        f"{found.mean:.4f} nats, {bits:.4f} bits a character; {counted(found.predicted, 'character')} predicted, "
        f"{how}{unknown}"
    )


def _document(corpus: "Corpus", place: "Place") -> dict[str, Any]:
    return {
        "file": corpus.sources[place.source].name,
        "line": place.line,
        "column": place.column,
        "text": place.text,
        "nats": place.nats if place.predicted else None,
        "mean": place.mean if place.predicted else None,
        "predicted": place.predicted,
        "unknown": place.unknown,
    }


def _show(corpus: "Corpus", found: "Surprise", parsed: argparse.Namespace, top: int) -> None:
    say(_counts(found, fresh=parsed.fresh))
    places = found.most(parsed.by, top, parsed.rank)
    ranked = {
        "excess": "by how far the total is beyond the text's mean, for its length",
        "mean": "by the mean",
        "total": "by the total",
    }[parsed.rank]
    things = parsed.by if len(places) == 1 else f"{len(places)} {parsed.by}s"
    say(f"\nthe most surprising {things}, {ranked}\n")
    names = [_where(corpus, place, parsed.by) for place in places]
    column = max(5, *map(len, names))
    say(f"{'nats':>8} {'mean':>7}  {'where':<{column}}{'' if parsed.by == 'file' else '  text'}")
    for name, place in zip(names, places, strict=True):
        unknown = f"  ({place.unknown:,} never seen)" if place.unknown else ""
        say(f"{place.nats:>8.1f} {place.mean:>7.2f}  {name:<{column}}  {_shown(place.text)}{unknown}".rstrip())


def _where(corpus: "Corpus", place: "Place", by: str) -> str:
    """`file:line:column`, without what says nothing."""
    name = one_line(checks.named(corpus.sources[place.source].name))
    line = [] if by == "file" else [str(place.line)]
    column = [str(place.column)] if by in ("word", "character") or place.column > 1 else []
    alone = len(corpus.sources) == 1 and by != "file"
    return ":".join([*([] if alone else [name]), *line, *column])


def _shown(text: str) -> str:
    shown = one_line(text) if text.strip("\n") else "\\n" * len(text)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"
