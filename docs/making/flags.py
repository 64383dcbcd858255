"""Flags in commands, kept whole where a line breaks: a browser would break after the dashes."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

_COMMANDS = re.compile(r'(?<=<div class="highlight-sh notranslate">).*?(?=</pre>)', re.DOTALL)
_FLAG = re.compile(r"(?<![\w</-])--?[a-z][a-z-]*")


def kept_whole(page: str) -> str:
    """The page, each flag in its blocks of commands in an element of its own."""
    return _COMMANDS.sub(lambda block: _FLAG.sub(r'<span class="flag">\g<0></span>', block[0]), page)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Have every page's text changed so."""

    def changed(_: "Sphinx", name: str, template: str, context: dict[str, Any], tree: "nodes.document | None") -> None:
        if "body" in context:
            context["body"] = kept_whole(context["body"])

    app.connect("html-page-context", changed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
