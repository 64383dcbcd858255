"""Fenced blocks of Markdown documents, and their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes:
        place: file and line of the first fence, for messages.
        language: what the fence says: "sh", "python", "text" or nothing.
        text: the lines between.
        section: the heading of the second level that it stands under; "" before the first.
    """

    place: str
    language: str
    text: str
    section: str


def blocks(document: Path) -> list[Block]:
    """The blocks of a document, without the directives of the site."""
    text = document.read_text(encoding="utf-8")
    name = document.relative_to(ROOT).as_posix()
    found = []
    for fence in _FENCE.finditer(text):
        before = text[: fence.start()]
        sections = ["", *_SECTION.findall(_FENCE.sub("", before))]
        found.append(Block(f"{name}:{before.count(chr(10)) + 1}", fence[1].strip(), fence[2], sections[-1]))
    return [block for block in found if not block.language.startswith("{")]


def prose(document: Path) -> str:
    """A document without its blocks."""
    return _FENCE.sub("", document.read_text(encoding="utf-8"))


def links(document: Path) -> Iterator[str]:
    """Where the links of a document lead, as it says it."""
    return (found[1] for found in _LINK.finditer(_CODE.sub("", prose(document))))


def anchors(document: Path) -> set[str]:
    """What a link to a part of the document may name, as GitHub makes it of the headings."""
    headings = (heading.replace("`", "").lower() for heading in _HEADING.findall(prose(document)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def documents() -> list[Path]:
    """Every document that people read."""
    outside = (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/RESULTS.md"))
    return [*outside, *sorted(DOCS.rglob("*.md"))]
