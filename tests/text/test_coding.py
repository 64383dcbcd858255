"""Counts, ids and digests by the short ways are those of their definitions."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.helpers import corpus, kept
from understudy.text import coding
from understudy.text.coding import Coder, Tally, as_bytes
from understudy.text.corpus import READ_BYTES, survey
from understudy.text.digest import Digest
from understudy.text.encoded import encode
from understudy.text.vocabulary import Vocabulary

PIECES = {
    "ascii": "To be, or not to be:\n",
    "latin": "Füße",
    "kanji": "漢字 and ascii",
    "faces": "\N{GRINNING FACE}\N{GRINNING FACE}\n",
    "empty": "",
}


@pytest.mark.parametrize("many", [0, 1 << 16])
@given(st.lists(st.one_of(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="ascii")))))
def test_counts_are_those_of_counting(many: int, pieces: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coding, "_MANY", many)
        tally, of_bytes = Tally("characters"), Tally("bytes")
        for piece in pieces:
            tally.add(piece, as_bytes(piece))
            of_bytes.add(piece.encode(), piece.encode())
    whole = "".join(pieces)
    for totals, wanted in (
        (tally.totals(), Counter(map(ord, whole))),
        (of_bytes.totals(), Counter(whole.encode())),
    ):
        found = np.flatnonzero(totals)
        assert dict(zip(found.tolist(), totals[found].tolist(), strict=True)) == wanted


@pytest.mark.parametrize("more", [0, 300, 70_000])
@pytest.mark.parametrize("lacking", ["", "T", "ü", "To漢"])
def test_ids_are_places_in_the_vocabulary(more: int, lacking: str) -> None:
    wide = "".join(chr(0x10000 + place) for place in range(more))
    known = "".join(sorted(set("".join(PIECES.values()) + wide) - set(lacking)))
    vocabulary = Vocabulary.of_text(known)
    place = {character: number for number, character in enumerate(known)}
    coder = Coder(vocabulary, lacks=bool(lacking))
    for piece in PIECES.values():
        ids = np.frombuffer(coder.ids(piece, as_bytes(piece)), vocabulary.dtype)
        assert ids.tolist() == [place[character] for character in piece if character in place]


def test_a_digest_on_another_core_is_the_digest() -> None:
    blocks = [bytes([number]) * (number * 1000) for number in range(50)]
    with Digest(b"begun") as digest:
        for block in blocks:
            digest.update(block)
        assert digest.hexdigest() == hashlib.sha256(b"begun" + b"".join(blocks)).hexdigest()


def test_a_long_text_of_all_kinds_has_the_file_that_it_always_had(own_cache: Path) -> None:
    """The whole file of the cache, by its definition."""
    text = ("plain ascii\n" * READ_BYTES)[: READ_BYTES + 1] + "é漢\N{GRINNING FACE}\n" * 100_001 + "z" * READ_BYTES
    seen = survey(corpus(text.encode()), "characters")
    assert seen.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (seen.length, seen.size) == (len(text), len(text.encode()))
    vocabulary = seen.vocabulary()
    encode(corpus(text.encode()), seen, vocabulary)
    ids = text.translate({ord(character): place for place, character in enumerate(vocabulary.characters)})
    data = ids.encode("latin-1")
    beginning = f"{seen.sha256} {vocabulary.digest} {len(text)}\n".encode()
    assert kept(own_cache).read_bytes() == data + hashlib.sha256(beginning + data).digest()


def test_a_file_that_was_just_written_and_then_touched_is_checked(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    from understudy.text import encoded

    text = b"To be, or not to be\n" * 10
    seen = survey(corpus(text), "characters")
    opened = encoded._opened

    def touched(path: Path) -> object:
        """Another program writes between our last byte and our taking the file."""
        if path.exists():
            with path.open("r+b") as file:
                file.write(b"\1\1\1")
            os.utime(path, ns=(1, 1))
        return opened(path)

    monkeypatch.setattr(encoded, "_opened", touched)
    found = encode(corpus(text), seen, seen.vocabulary())
    wanted = [sorted(set(text)).index(byte) for byte in text]
    assert found.ids.read(0, len(text)).tolist() == wanted
