"""`understudy evaluate`: how well a model predicts a text."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from understudy import checks
from understudy.cli.arguments import Parser, add_reading, reading, whole
from understudy.showing.terminal import counted, say, say_document

if TYPE_CHECKING:
    from understudy.evaluation.calibration import Calibration
    from understudy.evaluation.protocols import Score
    from understudy.model.file import ModelFile
    from understudy.runs.origin import Learned
    from understudy.text.encoded import Ids
    from understudy.text.vocabulary import Vocabulary

BASELINE_LIMIT = 1 << 24
"""Baselines know so many of the last characters that the model learned from: that bounds their memory."""
PLOT = 41
WRITTEN = 20_000
"""So many characters are written to be held against the text that the model learned from."""


class Baselines(NamedTuple):
    """Bits a character of what is shown for scale, or why there is nothing.

    Attributes:
        xz: a general compressor's.
        kneser_ney_6: a counting model's.
        ppmd: PPMd's, None where it is not installed.
        reach: how many bytes back xz could look, where that is less than there were.
        memory: how many bytes PPMd had for its contexts, where it may need more.
    """

    xz: float
    kneser_ney_6: float
    ppmd: float | None
    reach: int | None
    memory: int | None


def add_to(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="how well a model predicts a text",
        description="Mean nats and bits a character, by one of two protocols.",
    )
    parser.add_argument("model", metavar="MODEL", help="a run folder, a model file or @shakespeare")
    parser.add_argument("texts", nargs="+", metavar="TEXT", help="files, folders, -, or @name")
    parser.add_argument(
        "--protocol",
        choices=("streamed", "windowed"),
        default="streamed",
        help="the state carried through the text, or windows from the zero state (default streamed)",
    )
    parser.add_argument("--window", type=whole, default=256, metavar="W", help="characters a window (default 256)")
    parser.add_argument(
        "--dynamic",
        action="store_true",
        help="also let the model learn on from what it has been scored on (Krause et al. 2017)",
    )
    parser.add_argument(
        "--calibration", action="store_true", help="also show how often the character given probability p came"
    )
    parser.add_argument(
        "--copies",
        action="store_true",
        help=f"also write {WRITTEN:,} characters, and tell how much of them stands in the text that was learned",
    )
    parser.add_argument(
        "--trained-on",
        action="append",
        metavar="TEXT",
        help="the text that the model learned from, for baselines and copies, where a run folder does not tell",
    )
    parser.add_argument("--no-baselines", action="store_true", help="leave out xz, PPMd and the counting model")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    add_reading(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Evaluate; the status."""
    checks.whole("--window", parsed.window, 1)
    from understudy.evaluation.calibration import calibration
    from understudy.evaluation.dynamic import dynamic
    from understudy.evaluation.protocols import evaluate
    from understudy.model import file
    from understudy.model.parameters import network_of
    from understudy.runs.material import TextOptions
    from understudy.runs.origin import learned_text
    from understudy.showing.reading import shown_reading
    from understudy.text import encoded
    from understudy.text.corpus import survey

    model = file.read(parsed.model)
    how = {"vocabulary": model.vocabulary.kind, **reading(parsed)}
    options = TextOptions(tuple(parsed.texts), **how)
    with shown_reading():
        corpus = options.corpus()
        seen = survey(corpus, model.vocabulary.kind)
        ids = encoded.encode(corpus, seen, model.vocabulary).ids
    unknown = seen.unknown_to(model.vocabulary)
    network = network_of(model)
    compares = parsed.copies or not parsed.no_baselines
    named = TextOptions(tuple(parsed.trained_on), **how) if parsed.trained_on and compares else None
    learned = learned_text(model, Path(parsed.model), named) if named is not None else None  # a mistake is told at once
    with shown_reading():
        score = evaluate(network, ids, parsed.protocol, parsed.window)
    if not parsed.json:
        _show(score, unknown)  # what follows may take its time
        if corpus.left_out_note is not None:
            say(f"note: {corpus.left_out_note}")
    scale: Baselines | str = ""
    if learned is None and compares:
        learned = learned_text(model, Path(parsed.model))
    if learned is not None and not parsed.no_baselines:
        scale = _baselines(model.vocabulary, learned, ids)
    if not parsed.json and not parsed.no_baselines:
        _show_baselines(scale)
    learning = dynamic(network, ids) if parsed.dynamic else None
    if learning is not None and not parsed.json:
        say(
            f"dynamic evaluation, learning on from each character after it is scored: {learning.loss:.4f} nats, "
            f"{learning.bits_per_character:.4f} bits a character, streamed, 1 stream"
        )
    calibrated = calibration(network, ids) if parsed.calibration else None
    if calibrated is not None and not parsed.json:
        _show_calibration(calibrated)
    copies = _copies(model, learned) if learned is not None and parsed.copies else None
    if copies is not None and not parsed.json:
        _show_copies(copies)
    if parsed.json:
        bits = ("xz", "kneser_ney_6", "ppmd")
        known = {name: getattr(scale, name) for name in bits} if isinstance(scale, Baselines) else None
        document = _document(score, sum(unknown.values())) | {"baselines": known}
        if learning is not None:
            document["dynamic"] = {"loss": learning.loss, "bits_per_character": learning.bits_per_character}
        if calibrated is not None:
            bins = [entry._asdict() for entry in calibrated.bins]
            document["calibration"] = {"error": calibrated.error, "bins": bins}
        if copies is not None:
            document["copies"] = copies if isinstance(copies, dict) else None
        say_document(document)
    return 0


def _baselines(vocabulary: "Vocabulary", learned: "Learned", ids: "Ids") -> Baselines | str:
    """The baselines, which know the text that the model learned from; without it, why, and what helps."""
    import math

    from understudy.errors import MissingExtraError
    from understudy.evaluation.baselines import compressed, kneser_ney
    from understudy.evaluation.ppmd import predicted

    if learned.ids is None:
        return learned.missing
    known = learned.ids[max(0, len(learned.ids) - BASELINE_LIMIT) :]
    packed = compressed(known, ids, vocabulary)
    counting = kneser_ney(known, ids, len(vocabulary)) / math.log(2)
    try:
        ppmd, memory = predicted(known, ids, vocabulary)
    except MissingExtraError:
        return Baselines(packed.bits / len(ids), counting, None, packed.reach, None)
    return Baselines(packed.bits / len(ids), counting, ppmd / len(ids), packed.reach, memory)


def _copies(model: "ModelFile", learned: "Learned") -> dict[int, float] | str:
    """The share of what the model writes that is copied, by the length of the runs; without its text, why."""
    from understudy.api import Model
    from understudy.seeing.copies import shares, written_ids

    if learned.ids is None:
        return learned.missing
    (sample,) = Model(model).samples(length=WRITTEN, seed=0)
    return shares(written_ids(model.vocabulary, sample.text, sample.data), learned.ids)


def _show_copies(copies: dict[int, float] | str) -> None:
    if isinstance(copies, dict):
        from understudy.generation.sampling import Sampling

        by_length = ", ".join(f"{length} or more {share:.1%}" for length, share in copies.items())
        say(
            f"copied, of {WRITTEN:,} characters written at temperature {Sampling().temperature:g} with seed 0, in runs "
            f"that stand in the text that the model learned from: {by_length}"
        )
    else:
        say(f"no copies are told: {copies}")


def _show_baselines(scale: Baselines | str) -> None:
    if isinstance(scale, Baselines):
        reach = "" if scale.reach is None else f", and looks {scale.reach >> 20} MiB back"
        memory = "" if scale.memory is None else f", and may forget: its {scale.memory >> 20} MiB may be too few"
        ppmd = "" if scale.ppmd is None else f"PPMd {scale.ppmd:.4f} (it does too{memory}), "
        missing = "; PPMd: with understudy[ppmd]" if scale.ppmd is None else ""
        say(
            f"for scale, knowing the text that the model learned from: xz {scale.xz:.4f} (it goes on learning as it "
            f"reads{reach}), {ppmd}counting six characters with Kneser-Ney smoothing {scale.kneser_ney_6:.4f} bits a "
            f"character{missing}"
        )
    else:
        say(f"no baselines for scale: {scale}")


def _show_calibration(found: "Calibration") -> None:
    say(f"\ncalibration: off by {found.error:.4f} a place, all characters of the vocabulary together")
    say(f"{'probability given':>18}{'predictions':>14}{'mean given':>12}{'came':>9}   given ─ came ●")
    for entry in found.bins:
        given, came = (round(share * (PLOT - 1)) for share in (entry.expected, entry.came))
        line = "".join("●" if place == came else "─" if place <= given else " " for place in range(PLOT))
        span = f"{entry.low:g} to {entry.high:g}"
        say(f"{span:>18}{entry.predictions:>14,}{entry.expected:>12.4f}{entry.came:>9.4f}   {line}".rstrip())


def _document(score: "Score", unknown: int) -> dict[str, Any]:
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
    say(f"{score.loss:.4f} nats, {score.bits_per_character:.4f} bits a character")
    say(f"{counted(score.characters, 'character')} predicted, {score.protocol}, {how}")
    if unknown:
        names = ", ".join(
            f"{printable(symbol)} {counted(count, 'time')}" for symbol, count in list(unknown.items())[:20]
        )
        more = ", ..." if len(unknown) > 20 else ""
        say(f"left out because the model never saw them: {counted(sum(unknown.values()), 'character')}: {names}{more}")
