"""What the cells of a notebook are shown: HTML that has no style but its own, in light and dark, and asks for nothing.

The colours are the notebook's own. Where there is another they are mixed in, so that they suit any ground.
"""

from collections.abc import Iterable

from understudy.pages import escaped

FRAME = "max-width:44rem;font-size:0.9em;line-height:1.5"
TEXT = (
    "margin:0.25em 0;padding:0.5em 0.75em;border-left:0.2em solid currentColor;background:transparent;color:inherit;"
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere"
)
"""A text to be read as it is."""
_QUIET = "opacity:0.75"
_TABLE = "margin:0.25em 0;border:0;border-collapse:collapse;color:inherit;font-size:inherit"
_CELL = "text-align:left;vertical-align:top;padding:0.1em 1em 0.1em 0;border:0;background:transparent"


def framed(*parts: str) -> str:
    """Elements as one output."""
    return f'<div style="{FRAME}">{"".join(parts)}</div>'


def quiet(text: str) -> str:
    """A line that stands back."""
    return f'<div style="{_QUIET}">{escaped(text)}</div>'


def titled(text: str) -> str:
    """A line that says what it is."""
    return f"<div><strong>{escaped(text)}</strong></div>"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they stand for."""
    made = (
        f'<tr><th scope="row" style="{_CELL};font-weight:normal;{_QUIET}">{escaped(name)}</th>'
        f'<td style="{_CELL}">{escaped(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table style="{_TABLE}">{"".join(made)}</table>'
