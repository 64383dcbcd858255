"""Formulas as MathML, which browsers draw by themselves: no script, nothing from elsewhere."""

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from latex2mathml.converter import convert

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


_PRIME = re.compile(r"<msup>(<m(?:i|n)>[^<]*</m[in]>)<mi>&#x02032;</mi></msup>")
_PRIME_AND_INDEX = re.compile(r"<msubsup>((?:<m[in]>[^<]*</m[in]>){2})<mi>&#x02032;</mi></msubsup>")


def formula(tex: str, display: str) -> str:
    """A formula as MathML; primes, which fonts have raised already, are not raised and shrunk again."""
    made = _PRIME.sub(r"\1<mo>′</mo>", convert(tex, display=display))
    return _PRIME_AND_INDEX.sub(r"<msub>\1</msub><mo>′</mo>", made)


def inline(writer: "HTML5Translator", node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(formula(node.astext(), "inline"))
    raise nodes.SkipNode


def block(writer: "HTML5Translator", node: nodes.math_block) -> None:
    """Write a formula on lines of its own, which scroll where they are too wide."""
    writer.body.append(f'<div class="formula">{formula(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: "Sphinx") -> dict[str, Any]:
    """Add the renderer, by the name of `mathml`."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
