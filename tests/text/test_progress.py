"""How far reading has come is told, in bytes of the files, to whoever listens and to nobody else."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.text.helpers import TEXT, source_of, write
from understudy.errors import TextError
from understudy.text.corpus import READ_BYTES, Corpus, survey
from understudy.text.encoded import encode
from understudy.text.progress import CHECKING, ENCODING, READING, TAKING, observed, progress
from understudy.text.source import find
from understudy.text.vocabulary import Kind

Told = list[tuple[str, int, int | None]]


def listening(work: Callable[[], object]) -> Told:
    """What is told while something is done."""
    told: Told = []
    with observed(lambda *one: told.append(one)):
        work()
    return told


def only(told: Told, what: str) -> Told:
    """What is told of one part, which never goes back."""
    found = [one for one in told if one[0] == what]
    assert [done for _, done, _ in found] == sorted(done for _, done, _ in found)
    return found


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_each_part_is_told_to_its_end(kind: Kind, tmp_path: Path, own_cache: Path) -> None:
    data = (TEXT * 1500).encode()
    assert len(data) > 3 * READ_BYTES
    corpus = Corpus(find([write(tmp_path / "a.txt", data), write(tmp_path / "b.txt", TEXT.encode())]))
    size = len(data) + len(TEXT.encode())
    seen = survey(corpus, kind)
    first = listening(lambda: survey(corpus, kind))
    assert {one[0] for one in first} == {READING}
    assert first[0] == (READING, READ_BYTES, size)
    assert only(first, READING)[-1] == (READING, size, size)
    made = listening(lambda: encode(corpus, seen, seen.vocabulary()))
    assert {one[0] for one in made} == {ENCODING}
    assert only(made, ENCODING)[-1] == (ENCODING, size, size)
    taken = listening(lambda: encode(corpus, seen, seen.vocabulary()))
    assert {one[0] for one in taken} == {CHECKING}
    length = seen.length
    assert only(taken, CHECKING)[-1] == (CHECKING, length, length)


def test_a_packed_file_is_told_of_by_what_it_takes_on_the_disk(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", gzip.compress((TEXT * 1500).encode()))
    size = path.stat().st_size
    told = listening(lambda: survey(Corpus(find([path])), "characters"))
    assert {total for _, _, total in told} == {size}
    assert only(told, READING)[-1] == (READING, size, size)


def test_without_a_size_what_was_read_is_told_alone() -> None:
    told = listening(lambda: survey(Corpus([source_of(b"abc", 2), source_of(b"d\n")]), "characters"))
    assert only(told, READING) == [
        *((READING, done, None) for done in (2, 3, 3, 5, 5)),
        (READING, 5, 5),
    ]


def test_what_can_be_read_only_once_is_told_of_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(TEXT.encode()), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", stream)
    size = len(TEXT.encode())

    def work() -> None:
        assert find(["-"])[0].size == size

    assert listening(work) == [(TAKING, size, None), (TAKING, size, size)]


def test_a_file_that_grows_is_not_told_beyond_its_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"a" * 100)
    corpus = Corpus(find([path]))
    write(path, b"a" * 200)
    assert {one[1:] for one in listening(lambda: survey(corpus, "bytes"))} == {(100, 100)}


def test_the_observer_hears_its_own_block_alone() -> None:
    outer: Told = []
    progress("nobody hears this", 1, None)
    with observed(lambda *one: outer.append(one)):
        assert listening(lambda: progress("inside", 1, 2)) == [("inside", 1, 2)]
        progress("outside", 2, 2)
    progress("nobody hears this", 1, None)
    assert outer == [("outside", 2, 2)]


def test_what_an_observer_raises_ends_the_reading_at_once_and_leaves_no_thread(tmp_path: Path) -> None:
    import threading

    corpus = Corpus(find([write(tmp_path / "a.txt", b"a" * (3 * READ_BYTES))]))
    told: Told = []

    def stop(what: str, done: int, total: int | None) -> None:
        told.append((what, done, total))
        raise TextError("stopped")

    threads = threading.active_count()
    with observed(stop), pytest.raises(TextError, match="stopped"):
        survey(corpus, "characters")
    assert len(told) == 1
    assert threading.active_count() == threads
