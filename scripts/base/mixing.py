"""From sources to the texts to learn from, and a text of each kind to judge by.

Lines that have a run of fifty characters in common with a text that results are reported on are left out.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from shared_runs import Runs

from scripts.base.sources import Source

PIECE = 16_000
HELD_BACK = 60
"""One piece of so many is held back."""
LATE_SHARE = 4
"""In the end, a source gives a quarter of what it gave first: what lies beyond that, or the beginning again."""
RARE = 200
"""Lines with characters that come fewer times than this in the mix are left out."""


def pieces(text: str) -> list[str]:
    """The text cut at the ends of lines into pieces of at least `PIECE` characters, the last one shorter."""
    cut, piece, length = [], [], 0
    for line in text.splitlines(keepends=True):
        piece.append(line)
        length += len(line)
        if length >= PIECE:
            cut.append("".join(piece))
            piece, length = [], 0
    return [*cut, *(["".join(piece)] if piece else [])]


class Mix(NamedTuple):
    """What is learned from first and in the end, what is held back of each kind, and a line of account a source."""

    early: str
    late: str
    held: dict[str, str]
    account: list[str]


def gathered(sources: list[Source], packages: Path, judged: Runs) -> Mix:
    """The texts of all sources, cut, shuffled and parted."""
    early: list[str] = []
    late: list[str] = []
    held: dict[str, list[str]] = defaultdict(list)
    account = []
    for source in sources:
        whole = _joined(source, source.texts(packages))
        text, left_out = judged.without(whole[: source.most])
        learned: list[str] = []
        for place, piece in enumerate(pieces(text)):
            (held[source.kind] if place % HELD_BACK == HELD_BACK // 2 else learned).append(piece)
        early += learned
        more = whole[source.most :] if source.late is None else _joined(source, source.late(packages))
        more, more_left_out = judged.without(more if source.late else more[: source.most // LATE_SHARE])
        late += pieces(more) if more.strip() else learned[: len(learned) // LATE_SHARE]
        told, left = (text, left_out) if source.most else (more, more_left_out)
        account.append(f"{len(told):,} characters of {source.name}, {source.licence}")
        print(account[-1], f"({left:,} left out)", flush=True)
    for texts in (early, late):
        random.Random(0).shuffle(texts)
    counts: Counter[str] = Counter()
    for piece in early:
        counts.update(piece)
    rare = {symbol for symbol, times in counts.items() if times < RARE} | {"\N{REPLACEMENT CHARACTER}"}
    common = {symbol for symbol in counts if symbol not in rare}

    def plain(texts: list[str]) -> str:
        lines = (line for text in texts for line in text.splitlines(keepends=True))
        return "".join(line for line in lines if common.issuperset(line))

    return Mix(plain(early), plain(late), {kind: plain(texts) for kind, texts in held.items()}, account)


def _joined(source: Source, texts: Iterable[str]) -> str:
    """The texts of a source, its files in an order that is shuffled alike every time."""
    plain = [text.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n" for text in texts]
    random.Random(source.name).shuffle(plain)
    return "\n".join(plain)
