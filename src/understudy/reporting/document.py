"""The report as a page: what a run came to, how it went, and why it was trained so."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from understudy import pages
from understudy.checks import named
from understudy.evaluation.protocols import WINDOW
from understudy.layout import HELD_BACK, REPORT
from understudy.pages import escaped
from understudy.reporting import elements
from understudy.reporting.course import course_of
from understudy.reporting.looks import SEED, Judged, Page
from understudy.runs.facts import Facts
from understudy.runs.request import CHANGED
from understudy.runs.run import chooses
from understudy.runs.session import Session
from understudy.shell import command_line, path_argument
from understudy.training.recipe import CHOSEN, flag, preset

_PAGE = Path(__file__).with_name("page")
_MACHINE, _SHAPE = ("device", "precision"), ("cell", "units", "layers", "embedding", "ngrams")
_FIRST = (
    *("cell", "units", "layers", "embedding", "ngrams", "dropout", "optimizer", "learning_rate", "batch_size"),
    *("sequence_length", "minutes", "epochs", "steps", "validation", "seed"),
)
"""The settings that are told first."""

_NO_MODEL = "No model is kept yet: the first look at the text held back writes one."


def document(session: Session, page: Page | None, judged: Judged | None) -> str:
    """The report of a run as it stands.

    Args:
        session: the sitting that ends.
        page: what the model that is kept writes; None where none is kept yet.
        judged: how sure it is of the text held back; None where there is no such text, or no model.
    """
    facts, figures, unit = session.facts, session.result(), _symbol(session.facts)
    per_epoch, whole = session.trainer.batches.characters_per_epoch, unit == "character"
    course = course_of(session.folder.path, per_epoch, whole_characters=whole)
    best = figures["best_step"] if figures["validation_loss"] is not None else None
    none = elements.paragraph(_NO_MODEL)
    parts = {
        "stand": _stand(session),
        "two": _two(session),
        "figures": elements.terms(_figures(session, figures, unit)),
        "losses": elements.losses(course, best, unit),
        "writing": none if page is None else elements.writing(page, _command(session, page), unit),
        "copies": none if page is None else elements.copies(page, len(session.material.train), unit),
        "samples": elements.samples(course),
        "calibration": _sureness(session, judged, unit),
        "why": _why(facts),
        "recipe": _recipe(facts),
    }
    texts = {
        "title": f"A run that learned {named(facts.texts['name'])}",
        "what": _what(facts),
        "version": version("understudy"),
    }
    return pages.page(_piece("report.html"), _piece("report.css"), "", texts, parts)


def _sureness(session: Session, judged: Judged | None, unit: str) -> str:
    if judged is not None:
        return elements.calibration(judged, unit)
    nothing = "Nothing was held back of the text, so nothing tells how sure the model may be."
    return elements.paragraph(nothing if session.material.validation is None else _NO_MODEL)


def _what(facts: Facts) -> str:
    config = facts.config
    layers = f"{config.layers} layers of " if config.layers > 1 else ""
    return (
        f"The report of a run of Understudy: {layers}{config.units:,} {config.cell.upper()} "
        f"unit{'' if config.units == 1 else 's'}, {config.parameters:,} parameters, which learned one {_symbol(facts)} "
        f"after another."
    )


def _symbol(facts: Facts) -> str:
    return "character" if facts.vocabulary.kind == "characters" else "byte"


def _stand(session: Session) -> str:
    """Where it stands, and how it goes on."""
    step, steps = session.trainer.progress.step, session.facts.schedule.steps
    if session.finished:
        return "Its one step is done." if steps == 1 else f"All {steps:,} steps are done."
    return f"It stands at step {step:,} of {steps:,} and goes on with <code>{escaped(session.resume_command)}</code>"


def _two(session: Session) -> str:
    """What there is to say of a run that is one of two."""
    if session.facts.held_back is not None:
        return (
            f"<p>It learned from the whole text, for as long as a first run did well that held a part of it back: "
            f'<a href="{HELD_BACK}/{REPORT}">the report of that one</a>.</p>'
        )
    if session.folder.part is not None:
        return elements.paragraph(
            "It is the first of two: it finds out how long to train, and the second learns from the whole text."
        )
    return ""


def _figures(session: Session, figures: dict[str, Any], unit: str) -> Iterator[tuple[str, str, str]]:
    facts, progress = session.facts, session.trainer.progress
    texts = facts.texts
    held_back = f"{texts['validation_characters']:,} held back" + (
        " in a file of their own" if texts["validation_sha256"] is not None else ""
    )
    yield (
        "Learned",
        f"{named(texts['name'])}: {texts['characters']:,} {unit}s, {len(facts.vocabulary):,} different symbols; "
        f"{texts['train_characters']:,} to learn from, {held_back}",
        "",
    )
    yield "SHA-256 of the text", str(texts["sha256"]), ""
    if texts["validation_sha256"] is not None:
        yield "SHA-256 of that file", str(texts["validation_sha256"]), ""
    yield "Began from", _beginning(facts), ""
    epochs = f"{figures['epochs']:.2f} times through what it learned from"
    yield "Steps", f"{figures['steps']:,}, {figures['characters_seen']:,} {unit}s read, {epochs}", ""
    if figures["train_loss"] is not None:
        yield "Training loss at the end", f"{figures['train_loss']:.4f} nats a {unit}", ""
    loss, best = figures["validation_loss"], f"of the model that is kept, of step {figures['best_step']:,}"
    if loss is not None:
        looked = min(session.material.held_back, facts.schedule.looked_at)
        yield "Loss on what was held back", f"{loss:.4f} nats a {unit} in windows of {WINDOW}, {best}", ""
        yield (
            "The same, streamed",
            f"{figures['validation_loss_streamed']:.4f} nats, {figures['bits_per_character']:.3f} bits a {unit}; "
            f"the first {looked:,} {unit}s held back were looked at",
            "",
        )
    if facts.held_back is not None:
        yield (
            "With a part held back",
            f"the same recipe came to {facts.held_back['validation_loss']:.4f} nats a {unit} in windows of {WINDOW}, "
            f"{facts.held_back['validation_loss_streamed']:.4f} streamed",
            "",
        )
    speed = figures["characters_per_second"]
    yield "Time", f"{progress.seconds:,.1f} seconds in steps and looks, {speed:,.0f} {unit}s a second", "clock"


def _beginning(facts: Facts) -> str:
    origin = facts.origin
    if origin is None:
        return "nothing: weights drawn by chance"
    name = origin.get("model") or "a model"
    learned = f" that learned {named(origin['name'])}" if origin.get("name") and "model" not in origin else ""
    steps = f" in {origin['steps']:,} steps" if origin.get("steps") is not None else ""
    return f"{name}{learned}{steps}, SHA-256 {origin['sha256']}"


def _why(facts: Facts) -> str:
    """What was said when the recipe was chosen."""
    if not facts.why:
        return elements.paragraph("Nothing was left to be chosen.")
    before = "When it began, it said:" if facts.held_back is None else "When the first of the two runs began, it said:"
    lines = "\n".join(f"<li>{elements.shown(line)}</li>" for line in facts.why)
    return f'{elements.paragraph(before)}\n<ul class="why">\n{lines}\n</ul>'


def _recipe(facts: Facts) -> str:
    """All settings, and where each comes from."""
    settings = facts.recipe.to_document()
    rows = {name: (flag(name), _told(settings[name]), _source(facts, name)) for name in settings}
    first = [rows[name] for name in _FIRST if settings[name] is not None]
    others = [row for name, row in rows.items() if name not in _FIRST]
    headings, kinds = ("setting", "value", "from"), ("", "word", "word")
    return "\n".join(
        [
            elements.table(headings, first, kinds),
            elements.folded("The other settings", elements.table(headings, others, kinds)),
        ]
    )


def _source(facts: Facts, name: str) -> str:
    """Who set it."""
    value, asked = getattr(facts.recipe, name), facts.asked
    if name in asked.settings and asked.settings[name] == value:
        return "what was asked"
    if facts.held_back is not None and name in CHANGED:
        return "the first run"
    if name in _MACHINE and value != getattr(asked.recipe(), name):
        return "this machine"
    if name in _SHAPE and facts.origin is not None:
        return "what it began from"
    if getattr(preset(asked.preset), name) == value and not (chooses(asked.preset) and name in CHOSEN):
        return f"preset {asked.preset}"
    return "the text and the time"


def _told(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _command(session: Session, page: Page) -> str:
    run = path_argument(session.folder.path)
    return command_line(["understudy", "generate", run, "--length", str(page.length), "--seed", str(SEED)])


def _piece(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
