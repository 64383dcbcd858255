"""Drawings that are wider than a telephone: they keep their size there, and scroll, so that their words can be read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WIDE = 480.0
"""CSS pixels; a narrower drawing may be shrunk to the screen."""
_WIDTH = re.compile(r'<svg[^>]*\bwidth="([\d.]+)(pt|px)?"')


def is_wide(file: Path) -> bool:
    """Whether an SVG says that it is so wide."""
    with file.open(encoding="utf-8") as opened:
        found = _WIDTH.search(opened.read(4000))
    return found is not None and float(found[1]) * (4 / 3 if found[2] == "pt" else 1) > WIDE


class MarkWide(SphinxPostTransform):  # type: ignore[misc]  # Sphinx is not looked into
    """Give wide drawings a class of their own, for the style sheet."""

    default_priority = 400

    def run(self, **_: Any) -> None:
        """Look at every picture of a page."""
        for node in self.document.findall(nodes.image):
            file = Path(self.env.srcdir, node["uri"])
            if file.suffix == ".svg" and file.is_file() and is_wide(file):
                node["classes"].append("wide")


def setup(app: "Sphinx") -> dict[str, bool]:
    """Add the transform."""
    app.add_post_transform(MarkWide)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
