"""A text coloured by surprise, as a notebook shows it: the levels of the page, in colours that suit any ground."""

from understudy.pages import cells, escaped
from understudy.seeing.levels import LEVELS, Characters, bounds_of, runs, spans_of

SHOWN = 20_000
"""So many characters are shown, from the text's beginning on."""
_TINTS = ("255,196,61,0.22", "255,170,51,0.38", "250,140,60,0.5", "240,110,70,0.6", "228,80,80,0.7")
_LINES = ("", "", "dotted", "solid", "double")
"""The lines under the characters say the same without colour."""
_UNKNOWN = "outline:1px dashed currentColor;outline-offset:-1px"


def coloured(found: Characters, told: str) -> str:
    """A text as HTML.

    Args:
        found: the text, character by character.
        told: a line on the whole of it.
    """
    bounds = bounds_of(found.nats)
    looks = ["", *map(_look, range(1, LEVELS + 1)), _UNKNOWN]
    shown = [
        _span(found.text[start : min(end, SHOWN)], looks[level])
        for start, end, level in runs(found.nats, found.known, bounds)
        if start < SHOWN
    ]
    plain, *spans = spans_of(bounds)
    legend = [f"plain {plain}", *(_span(span, look) for span, look in zip(spans, looks[1:], strict=False))]
    if not found.known.all():
        legend.append(_span("never seen", _UNKNOWN))
    parts = [f'<div style="{cells.TEXT};line-height:1.75">{"".join(shown)}</div>']
    if len(found.text) > SHOWN:
        parts.append(cells.quiet(f"The first {SHOWN:,} characters of {len(found.text):,}."))
    parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:0.25em 1em">{"".join(map(_item, legend))}</div>')
    return cells.framed(cells.quiet(told), *parts)


def _look(level: int) -> str:
    line = _LINES[level - 1]
    under = f";text-decoration:underline {line} 1px;text-underline-offset:0.2em" if line else ""
    return f"background:rgba({_TINTS[level - 1]}){under}"


def _span(text: str, look: str) -> str:
    return f'<span style="{look}">{escaped(text)}</span>' if look else escaped(text)


def _item(content: str) -> str:
    return f"<span>{content}</span>"
