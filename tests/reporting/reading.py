"""A report as its reader has it: elements that close, words by the headings that they stand under, and the times."""

import re
from html.parser import HTMLParser
from pathlib import Path

_ALONE = {"meta", "br", "line", "polyline", "circle", "rect"}


class Report(HTMLParser):
    """A report that was read.

    Attributes:
        tags: the names of all elements.
        attributes: all attributes, by element.
        sections: what stands under each heading.
        parts: what stands in the elements of a class, or of an id.
        table: the rows of all tables, by their first cell.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.sections: dict[str, str] = {}
        self.parts: dict[str, list[str]] = {}
        self.rows: dict[str, list[str]] = {}
        self._open: list[tuple[str, list[str]]] = []
        self._heading = ""
        self._row: list[str] = []
        self.feed(self.source)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        kinds = [value or "" for name, value in attrs if name in ("class", "id")]
        for kind in kinds:
            self.parts.setdefault(kind, []).append("")
        if tag not in _ALONE:
            self._open.append((tag, kinds))
        if tag == "tr":
            self._row = []
        if tag in ("td", "th"):
            self._row.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _ALONE
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1][0] == tag, f"{tag} ends in {self._open}"
        self._open.pop()
        if tag == "tr" and self._row:
            self.rows[self._row[0]] = self._row[1:]

    def handle_data(self, data: str) -> None:
        names = [name for name, _ in self._open]
        if "h2" in names:
            self._heading = data
        elif self._heading:
            self.sections[self._heading] = self.sections.get(self._heading, "") + data
        for _, kinds in self._open:
            for kind in kinds:
                self.parts[kind][-1] += data
        if {"td", "th"} & set(names):
            self._row[-1] += data


def without_times(path: Path) -> str:
    """A report without what depends on the clock, and on where the run lies."""
    text = re.sub(r'(class="clock">)[^<]*', r"\1", path.read_text(encoding="utf-8"))
    text = re.sub(r'(class="command">)[^<]*', r"\1", text)
    return re.sub("SHA-256 [0-9a-f]{64} -->", "-->", text)


def assert_alone(report: Report) -> None:
    """Nothing is run, and nothing is asked for."""
    assert "script" not in report.tags
    assert "http" not in re.sub('http-equiv="', "", report.source)
    assert not {"img", "link", "iframe", "object", "embed", "form", "base"} & set(report.tags)
    names = {(name, value) for _, name, value in report.attributes}
    assert not {name for name, _ in names if name.startswith("on") or name in ("src", "style", "xlink:href")}
    assert {value for name, value in names if name == "href"} <= {"held-back/report.html"}
    policy = next(value for name, value in names if name == "content" and "default-src" in value)
    assert "script-src 'none'" in policy
