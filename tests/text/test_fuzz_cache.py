"""A file of the cache that was changed is never learned: the ids are those of a fresh encoding."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.runs.fuzzing import Limits
from understudy.text import cache
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import encode
from understudy.text.source import find

WIDE = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))


@pytest.fixture
def encoded_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / cache.ENCODED


def change(path: Path, others: list[bytes], chance: random.Random, elsewhere: Path) -> None:
    """Make something else of a file."""
    data = bytearray(path.read_bytes())
    kind = chance.random()
    if kind < 0.5:
        for _ in range(chance.choice([1, 1, 2, 5])):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind < 0.6:
        place = chance.randrange(len(data))
        data[place : place + chance.choice([0, 1, 7])] = chance.randbytes(chance.choice([0, 1, 5]))
    elif kind < 0.65:
        data[:] = chance.choice(others)
    elif kind < 0.7:
        data[:] = chance.choice([b"", bytes(len(data)), b"\xff" * len(data), chance.randbytes(len(data))])
    elif kind < 0.75:  # ids in another order, with the digest that was right before
        data[:50] = data[:50][::-1]
    path.unlink()
    if kind < 0.75:
        path.write_bytes(data)
    elif kind < 0.8:
        os.mkfifo(path)
    elif kind < 0.85:
        path.mkdir()
        (path / "the user's").write_bytes(b"kept")
    elif kind < 0.92:
        elsewhere.write_bytes(data[: chance.randrange(len(data))])
        path.symlink_to(elsewhere)
    else:
        path.symlink_to(chance.choice(["/dev/zero", "/dev/full", "nowhere", "."]))


@pytest.mark.parametrize("count", [150, pytest.param(2500, marks=pytest.mark.slow)])
def test_a_changed_file_is_never_learned(count: int, encoded_folder: Path, tmp_path: Path) -> None:
    chance, limits, elsewhere = random.Random(count), Limits(), tmp_path / "elsewhere"
    texts = {
        "narrow": "To be, or not to be: that is the question.\n" * 20,
        "wide": WIDE * 3,
        "other": "never to be " * 70,
    }
    known = {}
    for name, content in texts.items():
        path = tmp_path / f"{name}.txt"
        path.write_text(content, encoding="utf-8")
        corpus = Corpus(find([path]))
        seen = survey(corpus, "characters")
        vocabulary = seen.vocabulary()
        expected = np.array([vocabulary.characters.index(symbol) for symbol in content])
        known[name] = corpus, seen, vocabulary, expected
        encode(corpus, seen, vocabulary)
    others = [path.read_bytes() for path in encoded_folder.glob("*.u*")]
    assert len(others) == len(texts)
    for _ in range(count):
        corpus, seen, vocabulary, expected = known[chance.choice(list(known))]
        (path,) = encoded_folder.glob(f"{seen.sha256[:32]}*")
        change(path, others, chance, elsewhere)
        kept = elsewhere.read_bytes() if elsewhere.exists() else None
        with limits.held():
            ids = encode(corpus, seen, vocabulary).ids
        np.testing.assert_array_equal(ids.read(0, len(ids)), expected)
        if kept is not None:
            assert elsewhere.read_bytes() == kept
            elsewhere.unlink()
        if path.is_dir():  # it stays, and the cache does without
            if path.is_symlink():
                path.unlink()
            else:
                assert (path / "the user's").read_bytes() == b"kept"
                shutil.rmtree(path)
        encode(corpus, seen, vocabulary)
        assert path.is_file()
