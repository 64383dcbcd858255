"""Drawings that are wider than the screen: they keep their size, and scroll, so that their words can be read."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WIDE, WIDER = 480.0, 980.0
"""CSS pixels: a drawing that is no wider than the first may be shrunk to a telephone, than the second to a page."""
_WIDTH = re.compile(r'<svg[^>]*\bwidth="([\d.]+)(pt|px)?"')


def classes(file: Path) -> list[str]:
    """What the style sheet has to know of an SVG, by the width that it says it has."""
    with file.open(encoding="utf-8") as opened:
        found = _WIDTH.search(opened.read(4000))
    width = 0.0 if found is None else float(found[1]) * (4 / 3 if found[2] == "pt" else 1)
    return [name for name, least in (("wide", WIDE), ("wider", WIDER)) if width > least]


class MarkWide(SphinxPostTransform):  # type: ignore[misc]  # Sphinx is not looked into
    """Give wide drawings a class of their own, for the style sheet."""

    default_priority = 400

    def run(self, **_: Any) -> None:
        """Look at every picture of a page."""
        for node in self.document.findall(nodes.image):
            file = Path(self.env.srcdir, node["uri"])
            if file.suffix == ".svg" and file.is_file():
                node["classes"] += classes(file)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Add the transform."""
    app.add_post_transform(MarkWide)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
