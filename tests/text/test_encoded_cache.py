"""The cache of encoded texts: the same text is encoded once, and wrong ids are never learned."""

import gzip
import os
import subprocess
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.helpers import DIGEST, TEXT, all_of, characters_of, corpus_of, encoded, files, kept, places_in
from understudy.errors import StorageError, TextError
from understudy.text import cache
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import EncodedText, Ids, encode
from understudy.text.source import Source, find
from understudy.text.vocabulary import Vocabulary

DAY = 86_400


def test_the_same_text_is_encoded_once(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    seen = survey(corpus, "characters")
    first = all_of(encode(corpus, seen, seen.vocabulary()))
    (tmp_path / "a.txt").unlink()
    assert all_of(encode(corpus, seen, seen.vocabulary())) == first


def test_the_same_content_from_elsewhere_is_encoded_once(tmp_path: Path, own_cache: Path) -> None:
    first = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    inode = kept(own_cache).stat().st_ino
    (tmp_path / "b.gz").write_bytes(gzip.compress(TEXT.encode("utf-16")))
    again = encoded(Corpus(find([tmp_path / "b.gz"]), "utf-16"))
    assert kept(own_cache).stat().st_ino == inode
    assert all_of(again) == all_of(first)


def test_other_content_and_other_vocabularies_are_kept_apart(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    other = corpus_of(tmp_path / "b.txt", TEXT[::-1])
    wider = characters_of(TEXT + "!")
    for _ in range(2):
        assert all_of(encoded(corpus)) == places_in(TEXT, characters_of(TEXT))
        assert all_of(encoded(other)) == places_in(TEXT[::-1], characters_of(TEXT))
        assert all_of(encoded(corpus, Vocabulary.of_text(wider))) == places_in(TEXT, wider)
        assert all_of(encoded(corpus, Vocabulary.of_bytes())) == list(TEXT.encode())
        assert len(files(own_cache)) == 4


@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_kept_file_that_was_cut_short_is_written_anew(tmp_path: Path, own_cache: Path, length: int) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    encoded(corpus)
    os.truncate(kept(own_cache), length)
    assert all_of(encoded(corpus)) == places_in(TEXT, characters_of(TEXT))
    assert kept(own_cache).stat().st_size == len(TEXT) + DIGEST


def test_a_cache_that_cannot_be_made_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_files: None
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "file" / "below"))
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    assert all_of(text) == places_in(TEXT, characters_of(TEXT))
    assert (tmp_path / "file").read_text() == "in the way"
    del text


def test_a_full_cache_is_done_without_and_left_clean(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk))
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT * 1000))
    assert text.ids.read(len(text) - len(TEXT), len(text)).tolist() == places_in(TEXT, characters_of(TEXT))
    assert files(small_disk) == set()


def test_a_read_only_cache_serves_what_it_has(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk))
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    seen = survey(corpus, "characters")
    first = all_of(encode(corpus, seen, seen.vocabulary()))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    (tmp_path / "a.txt").unlink()
    assert all_of(encode(corpus, seen, seen.vocabulary())) == first


def test_no_room_anywhere_is_a_storage_error_with_the_remedy(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, open_files: None
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with pytest.raises(StorageError, match=r"No space left on device; set UNDERSTUDY_CACHE") as raised:
        encoded(corpus_of(tmp_path / "a.txt", TEXT * 1000))
    assert f"{len(TEXT) * 1000:,} bytes" in str(raised.value)
    assert str(small_disk / "cache") in str(raised.value)


def test_what_nobody_used_for_thirty_days_goes(tmp_path: Path, own_cache: Path) -> None:
    ages = {"a": 31, "b": 29, "c": 31}
    corpora = {name: corpus_of(tmp_path / name, TEXT + name) for name in ages}
    paths: dict[str, Path] = {}
    for name, age in ages.items():
        before = files(own_cache)
        encoded(corpora[name])
        [paths[name]] = files(own_cache) - before
        used = time.time() - age * DAY
        os.utime(paths[name], (used, used))
    paths["a"].touch()
    (own_cache / "encoded" / "somebody's folder").mkdir()
    os.utime(own_cache / "encoded" / "somebody's folder", (0, 0))
    encoded(corpus_of(tmp_path / "new", TEXT + "new"))
    assert {name for name, path in paths.items() if path.exists()} == {"a", "b"}


def test_use_keeps_a_text_in_the_cache(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a", TEXT)
    encoded(corpus)
    path = kept(own_cache)
    old = time.time() - 31 * DAY
    os.utime(path, (old, old))
    encoded(corpus)
    encoded(corpus_of(tmp_path / "new", TEXT + "new"))
    assert path.exists()


@pytest.mark.parametrize("changed", [TEXT[:-1], TEXT + "\n", TEXT.replace("be", "eb"), TEXT[::-1], TEXT + "!"])
def test_a_text_that_changes_under_the_reader_is_an_error_and_is_not_kept(
    tmp_path: Path, own_cache: Path, changed: str
) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    seen = survey(corpus, "characters")
    corpus_of(tmp_path / "a.txt", changed)
    with pytest.raises(TextError, match="changed while it was being read"):
        encode(corpus, seen, seen.vocabulary())
    assert files(own_cache) == set()


# What is in a kept file is never taken on trust


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Vocabulary, bytes]:
    """A text, its vocabulary, and the file that the cache has of it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSTUDY_CACHE", str(folder / "cache"))
        corpus = corpus_of(folder / "a.txt", TEXT)
        encoded(corpus)
        return corpus, survey(corpus, "characters").vocabulary(), kept(folder / "cache").read_bytes()


@settings(max_examples=40)
@given(st.data())
def test_a_kept_file_with_anything_else_in_it_is_made_again(
    whole: tuple[Corpus, Vocabulary, bytes], data: st.DataObject
) -> None:
    corpus, vocabulary, good = whole
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        bad[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSTUDY_CACHE", folder)
        encoded(corpus, vocabulary)
        path = kept(Path(folder))
        path.write_bytes(bytes(bad[: data.draw(st.sampled_from([len(bad), len(bad) - 1]))]))
        assert all_of(encoded(corpus, vocabulary)) == places_in(TEXT, characters_of(TEXT))
        assert path.read_bytes() == good


def test_a_file_of_another_text_of_the_same_size_is_not_taken(tmp_path: Path, own_cache: Path) -> None:
    corpus, other = corpus_of(tmp_path / "a.txt", TEXT), corpus_of(tmp_path / "b.txt", TEXT[::-1])
    encoded(corpus)
    path = kept(own_cache)
    encoded(other)
    [theirs] = files(own_cache) - {path}
    path.write_bytes(theirs.read_bytes())
    assert all_of(encoded(corpus)) == places_in(TEXT, characters_of(TEXT))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_not_taken_and_nobody_waits_for_it(
    make: Callable[[Path], None], tmp_path: Path, own_cache: Path
) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    encoded(corpus)
    path = kept(own_cache)
    path.unlink()
    make(path)
    assert all_of(encoded(corpus)) == places_in(TEXT, characters_of(TEXT))


def test_an_id_beyond_the_vocabulary_is_an_error_before_anybody_looks_it_up(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    part = text.ids[10:]
    with kept(own_cache).open("r+b") as file:
        file.seek(500)
        file.write(bytes([len(set(TEXT))]))
    for ids, place in ((text.ids, 500), (part, 490)):
        assert ids.read(0, place).max() < len(set(TEXT))
        with pytest.raises(TextError, match="stands for none of the 19 symbols") as raised:
            ids.gather(np.array([0, place - 3]), 10)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("bad", [-1, 5, 2**40])
def test_ids_in_memory_are_held_against_the_number_of_symbols_too(bad: int) -> None:
    ids = Ids(np.array([0, 4, bad, 3], np.int64), 5)
    assert ids.read(0, 2).tolist() == [0, 4]
    with pytest.raises(TextError, match="none of the 5 symbols"):
        ids.read(0, 3)


def test_taking_a_file_needs_little_memory_however_long_it_is(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT * 6000)
    seen = survey(corpus, "characters")
    encode(corpus, seen, seen.vocabulary())
    tracemalloc.start()
    try:
        ids = encode(corpus, seen, seen.vocabulary()).ids
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ids) == len(TEXT) * 6000 > 10_000_000
    assert peak < 3_000_000


# Others at the same time


def test_threads_that_encode_the_same_text_at_once_each_have_it(tmp_path: Path, own_cache: Path) -> None:
    corpora = [corpus_of(tmp_path / f"{number}.txt", TEXT * 200) for number in range(4)]
    start = threading.Barrier(4)
    found: list[EncodedText] = []

    def work(corpus: Corpus) -> None:
        seen = survey(corpus, "characters")
        start.wait()
        found.append(encode(corpus, seen, seen.vocabulary()))

    threads = [threading.Thread(target=work, args=(corpus,)) for corpus in corpora]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = places_in(TEXT, characters_of(TEXT)) * 200
    assert [all_of(text) == wanted for text in found] == [True] * 4
    assert kept(own_cache).stat().st_size == len(wanted) + DIGEST


def test_a_second_writer_of_the_same_process_number_has_a_file_of_its_own(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    seen = survey(corpus, "characters")
    inner: list[EncodedText] = []

    def slow() -> IO[bytes]:
        """Let another encode all of it while this one has begun to write."""
        if not inner:
            inner.append(encode(Corpus(find([tmp_path / "a.txt"])), seen, seen.vocabulary()))
        return (tmp_path / "a.txt").open("rb")

    outer = encode(Corpus([Source("slow", slow)]), seen, seen.vocabulary())
    assert all_of(outer) == all_of(inner[0]) == places_in(TEXT, characters_of(TEXT))
    assert kept(own_cache).stat().st_size == len(TEXT) + DIGEST


def test_a_cache_that_is_emptied_while_a_text_is_written_into_it_is_done_without(
    tmp_path: Path, own_cache: Path
) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    seen = survey(corpus, "characters")

    def emptied() -> IO[bytes]:
        cache.clear()
        return (tmp_path / "a.txt").open("rb")

    assert all_of(encode(Corpus([Source("a", emptied)]), seen, seen.vocabulary())) == places_in(
        TEXT, characters_of(TEXT)
    )
    assert files(own_cache) == set()


def test_a_text_that_is_read_outlives_the_emptying_of_the_cache(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    assert [file.size for file in cache.clear()] == [len(TEXT) + DIGEST]
    assert all_of(text) == places_in(TEXT, characters_of(TEXT))
