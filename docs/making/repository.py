"""Links as they stand in the repository's files, led to the pages that the site has of those files."""

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/RESULTS.md": "results.md",
}
"""Files outside of `docs/`, and the documents that include them."""
_LINK = re.compile(r"(?<=\]\()(?!\w+:|[#/<])([^)\s#]+)(#[^)\s]*)?(?=\))")


def led(text: str, file: str) -> str:
    """The text of a Markdown file, its links to files of the repository given as Sphinx wants them.

    Args:
        text: the file's text.
        file: its path from the repository's root.
    """

    def target(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), found[1]))
        page = PAGES.get(path) or path.removeprefix("docs/")
        if page == path and not path.startswith("docs/"):
            page = f"../{path}"
        return f"/{page}{found[2] or ''}"

    return _LINK.sub(target, text)


def setup(app: "Sphinx") -> dict[str, bool]:
    """Have every document, and what it includes, read so."""

    def read(_: "Sphinx", name: str, source: list[str]) -> None:
        source[0] = led(source[0], f"docs/{name}.md")

    def included(_: "Sphinx", path: Path, parent: str, source: list[str]) -> None:
        source[0] = led(source[0], posixpath.normpath(f"docs/{path.as_posix()}"))

    app.connect("source-read", read)
    app.connect("include-read", included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
