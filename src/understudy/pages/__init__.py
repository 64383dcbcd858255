"""What every page that we write is made with: text that stays text, and a policy that lets it ask for nothing."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from understudy.model.documents import without_surrogates

_OURS = Path(__file__).parent


def page(
    body: str, style: str, script: str, texts: Mapping[str, str], parts: Mapping[str, str], *, wasm: bool = False
) -> str:
    """A page that stands alone.

    Args:
        body: what follows the head, with a place for each of the others.
        style: what it has beside the style of all pages.
        script: its program, which is all that it may run.
        texts: what is shown as it is, by the names of the places; `title` is one.
        parts: elements and JSON, which are made already.
        wasm: whether it may run WebAssembly too.
    """
    assert "</script" not in script.lower(), "a program of ours can stand in a script element as it is"
    assert "<!--" not in script, "a program of ours can stand in a script element as it is"
    style = (_OURS / "base.css").read_text(encoding="utf-8") + style
    shown = {name: escaped(text) for name, text in texts.items()}
    head = Template((_OURS / "head.html").read_text(encoding="utf-8")).substitute(
        title=shown["title"], style=style, policy=escaped(_policy(style, script, wasm=wasm))
    )
    return Template(body).substitute(shown, head=head, script=script, **parts)


def escaped(text: str) -> str:
    """The text as it may stand in an element or an attribute."""
    return html.escape(without_surrogates(text), quote=True)


def json_in_page(document: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends one, or begins a comment."""
    return json.dumps(document).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def numbers_in_page(numbers: Any) -> str:
    """An array's bytes, as JSON may hold them."""
    return base64.b64encode(numbers.tobytes()).decode()


def _policy(style: str, script: str, *, wasm: bool) -> str:
    """A Content-Security-Policy: the page's own script, if it has one, and style; and nothing asked for."""
    program = f"'{_digest(script)}' 'wasm-unsafe-eval'" if wasm else f"'{_digest(script)}'"
    program = program if script else "'none'"
    sources = {
        "default-src": "'none'",
        "script-src": program,
        "style-src": f"'{_digest(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{directive} {value}" for directive, value in sources.items())


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
