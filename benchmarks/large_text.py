"""A text larger than memory: how long it is read, how soon the first step comes, and what stays in memory meanwhile.

    python benchmarks/large_text.py FOLDER [--gigabytes 1 10] [--kinds ascii mixed]

FOLDER takes the texts, which go again, and needs room for three times the largest. A text is made of the prose that
every Python carries, paragraphs in an order that is drawn anew for each megabyte, each with a number of its own; of a
mixed one, two paragraphs in three are written in Cyrillic letters or with accents. Reading and encoding are timed by
themselves, in a process of their own; then `understudy train TEXT --steps 20 --out RUN` is started with an empty cache,
stopped by Ctrl-C at its first report, and gone on with to the next one by `--resume`.

What is resident is asked of the system every 20 milliseconds: memory of its own and of mapped files (RssAnon and
RssFile), together and apart. The model's is the peak of the same command on two megabytes of the same text.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from understudy.text.catalog import python_prose

BLOCK = 1_000_000
SMALL = 2 * BLOCK
POLL = 0.02
LATIN = "abcdefghijklmnopqrstuvwxyz"
LETTERS = ("абцдефгхийклмнопярстувщъызж", "àbçdéfghïjklmñöpqrštûvẃxýž")
PARTS = """
import json, sys, time
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import encode
from understudy.text.source import find
corpus = Corpus(find([sys.argv[1]]))
began = time.perf_counter()
seen = survey(corpus, "characters")
read = time.perf_counter()
encode(corpus, seen, seen.vocabulary())
written = time.perf_counter()
encode(corpus, seen, seen.vocabulary())
print(json.dumps([read - began, written - read, time.perf_counter() - written]))
"""


class Peak(NamedTuple):
    """What a process had in memory at the most, in bytes: of its own, of files, and both at one moment."""

    own: int = 0
    files: int = 0
    both: int = 0

    def with_one(self, own: int, files: int) -> "Peak":
        """With one more look."""
        return Peak(max(self.own, own), max(self.files, files), max(self.both, own + files))


class Ran(NamedTuple):
    """A command that ended: seconds to its first step, and its peak."""

    first_step: float
    peak: Peak


def pieces(kind: str, seed: int = 0) -> Iterator[bytes]:
    """Megabytes of text without end, each another."""
    paragraphs = [one for one in re.split(r"\n{2,}", python_prose()) if one.isascii()]
    alphabets = [str.maketrans(LATIN, letters[: len(LATIN)]) for letters in LETTERS]
    if kind == "mixed":
        paragraphs = [one.translate(alphabets[i % 3]) if i % 3 < 2 else one for i, one in enumerate(paragraphs)]
    draw, number = random.Random(seed), 0
    while True:
        taken, length = list[str](), 0
        while length < BLOCK:
            number += 1
            taken.append(f"{number} {draw.choice(paragraphs)}\n\n")
            length += len(taken[-1])
        yield "".join(taken).encode()


def make(path: Path, kind: str, size: int) -> None:
    """Write a text of at least so many bytes."""
    with path.open("wb") as file:
        for piece in pieces(kind):
            file.write(piece)
            if file.tell() >= size:
                return


def resident(process: int) -> tuple[int, int]:
    """Bytes that a process has in memory, of its own and of files; nothing where it has ended."""
    try:
        told = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0, 0
    found = {name: int(size) << 10 for name, size in re.findall(r"(Rss\w+):\s+(\d+) kB", told)}
    return found.get("RssAnon", 0), found.get("RssFile", 0) + found.get("RssShmem", 0)


def ran(command: list[str], environment: dict[str, str]) -> Ran:
    """Run a command that trains, and interrupt it at its first report."""
    began, first, going = time.perf_counter(), 0.0, True
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        looks, ended = [Peak()], threading.Event()

        def look() -> None:
            while not ended.wait(POLL):
                looks[0] = looks[0].with_one(*resident(process.pid))

        watcher = threading.Thread(target=look)
        watcher.start()
        assert process.stdout is not None
        for line in process.stdout:
            print(f"    {time.perf_counter() - began:7.1f} s  {line}", end="", file=sys.stderr, flush=True)
            if line.startswith("model: "):
                first = time.perf_counter() - began
            if going and line.startswith("step "):
                process.send_signal(signal.SIGINT)
                going = False
        ended.set()
        watcher.join()
    assert first, f"{command} came to no step"
    return Ran(first, looks[0])


def measured(folder: Path, kind: str, size: int) -> str:
    """A row of the table."""
    text, small, cache = folder / f"{kind}.txt", folder / "small.txt", folder / "cache"
    make(text, kind, size)
    make(small, kind, SMALL)
    environment = {**os.environ, "UNDERSTUDY_CACHE": str(cache)}
    train = [sys.executable, "-m", "understudy", "train"]

    def anew(*parts: str) -> None:
        for part in parts:
            shutil.rmtree(folder / part, ignore_errors=True)

    try:
        asked = [*train, str(small), "--steps", "20", "--out", str(folder / "model")]
        model = ran(asked, environment)
        anew("cache", "model")
        timed = [sys.executable, "-c", PARTS, str(text)]
        parts = json.loads(subprocess.run(timed, env=environment, check=True, stdout=subprocess.PIPE).stdout)
        anew("cache", "run")
        run = folder / "run"
        begun = ran([*train, str(text), "--steps", "20", "--out", str(run)], environment)
        resumed = ran([*train, "--out", str(run), "--resume"], environment)
    finally:
        size = text.stat().st_size
        text.unlink()
        small.unlink()
        anew("cache", "model", "run")
    above = [max(0, one.peak.both - model.peak.both) / 1e6 for one in (begun, resumed)]
    apart = [f"{one.peak.own / 1e6:.0f} + {one.peak.files / 1e6:.0f}" for one in (model, begun, resumed)]
    figures = [*(f"{seconds:.1f}" for seconds in (*parts, begun.first_step, resumed.first_step))]
    return f"| {kind} | {size / 1e9:.1f} | {' | '.join(figures)} | {' | '.join(apart)} | {max(above):.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--kinds", nargs="+", choices=("ascii", "mixed"), default=["ascii", "mixed"])
    parsed = parser.parse_args()
    parsed.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for gigabytes in parsed.gigabytes:
        for kind in parsed.kinds:
            rows.append(measured(parsed.folder, kind, round(gigabytes * 1e9)))
            print(rows[-1], file=sys.stderr, flush=True)
    print(
        "| text | GB | surveyed, s | encoded, s | taken from the cache, s | first step after, s | resumed, first step "
        "after, s | the model's own + files, MB | at the most, own + files, MB | resumed, own + files, MB | most "
        "above the model's, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
