"""What every page that we write is made with: text that stays text, and a policy that lets it ask for nothing."""

import base64
import hashlib
import html
import json
from typing import Any

from understudy.model.documents import without_surrogates


def escaped(text: str) -> str:
    """The text as it may stand in an element or an attribute."""
    return html.escape(without_surrogates(text), quote=True)


def json_in_page(document: Any) -> str:
    """JSON that may stand in a script element: nothing in it ends one, or begins a comment."""
    return json.dumps(document).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def check_script(script: str) -> None:
    """A program of ours may stand in a script element as it is, or it is a mistake of ours."""
    assert "</script" not in script.lower()
    assert "<!--" not in script


def policy(style: str, script: str, *, wasm: bool = False) -> str:
    """The Content-Security-Policy of a page that runs its own script, has its own style, and asks for nothing."""
    program = f"'{_digest(script)}' 'wasm-unsafe-eval'" if wasm else f"'{_digest(script)}'"
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
