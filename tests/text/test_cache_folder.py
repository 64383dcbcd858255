"""The cache folder: private, made only where it may be, and never anybody's files but Understudy's."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.text.helpers import (
    DIGEST,
    TEXT,
    all_of,
    as_nobody,
    characters_of,
    corpus_of,
    encoded,
    ended,
    files,
    kept,
    places_in,
    started,
)
from understudy.text import cache
from understudy.text.corpus import Corpus
from understudy.text.source import find

DAY = 86_400
IDS = "0123456789abcdef0123456789abcdef-0123456789abcdef.u8"
WANTED = places_in(TEXT, characters_of(TEXT))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return corpus_of(tmp_path / "text.txt", TEXT)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable says where the cache is."""
    for name in ("UNDERSTUDY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def aged(path: Path, days: float, data: bytes = b"a") -> Path:
    """A file that nobody used for so many days."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    used = time.time() - days * DAY
    os.utime(path, (used, used))
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Private


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_cache_is_its_owners_alone_whatever_the_umask(tmp_path: Path, own_cache: Path, umask: int) -> None:
    os.umask(0o022)
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    os.umask(umask)
    encoded(corpus)
    assert {mode(folder) for folder in (own_cache, own_cache / cache.ENCODED)} == {0o700}
    assert {mode(path) for path in own_cache.rglob("*") if path.is_file()} == {0o600}


def test_a_users_own_folder_keeps_its_rights(own_cache: Path, corpus: Corpus) -> None:
    own_cache.mkdir()
    own_cache.chmod(0o755)
    encoded(corpus)
    assert mode(own_cache) == 0o755
    assert mode(own_cache / cache.ENCODED) == 0o700
    assert not (own_cache / cache.MARKER).exists()  # or backups would leave out what the user has there


def test_programs_that_make_backups_know_the_folder(own_cache: Path, corpus: Corpus) -> None:
    encoded(corpus)
    marker = (own_cache / cache.ENCODED / cache.MARKER).read_bytes()
    assert marker.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


# A user's files are never touched


def test_cleaning_takes_only_what_understudy_made(own_cache: Path, corpus: Corpus, tmp_path: Path) -> None:
    encoded(corpus)
    ours = own_cache / cache.ENCODED
    users = [
        *(aged(own_cache / name, 400) for name in ("notes.txt", IDS, f".{IDS}.x.partial", "tmpabcdefgh")),
        *(
            aged(ours / name, 400)
            for name in ("notes.txt", ".hidden", "a.partial", f"{IDS}.gz", f"x{IDS}", "shakespeare.txt")
        ),
        aged(own_cache / "corpora" / "shakespeare.txt", 400),
        aged(own_cache / "elsewhere" / IDS, 400),
    ]
    old = [aged(ours / IDS, 31), aged(ours / f".{IDS}.abc_12.partial", 2), aged(ours / f".{IDS}.4711.partial", 2)]
    new = [aged(ours / IDS.replace("0", "1"), 29), aged(ours / f".{IDS}.new.partial", 0.5)]
    encoded(corpus_of(tmp_path / "other.txt", TEXT + "!"))
    assert all(path.read_bytes() == b"a" for path in (*users, *new))
    assert [path for path in old if path.exists()] == []
    cache.clear()
    assert all(path.read_bytes() == b"a" for path in users)
    assert [path for path in new if path.exists()] == []


def test_a_folder_of_the_users_with_the_caches_name_is_left_alone(own_cache: Path, corpus: Corpus) -> None:
    theirs = [aged(own_cache / cache.ENCODED / name, 400) for name in (IDS, "letters.txt")]
    assert all_of(encoded(corpus)) == WANTED
    cache.clear()
    assert files(own_cache) == set(theirs)
    assert cache.kept() == []


def test_a_marker_of_another_program_does_not_make_a_folder_ours(own_cache: Path, corpus: Corpus) -> None:
    folder = own_cache / cache.ENCODED
    aged(folder / cache.MARKER, 400, b"Signature: 8a477f597d28d172789f06886806bc55\n# Another program's\n")
    theirs = aged(folder / IDS, 400)
    assert all_of(encoded(corpus)) == WANTED
    cache.clear()
    assert theirs.exists()


def test_a_folder_from_before_there_were_markers_is_taken_over(own_cache: Path, corpus: Corpus) -> None:
    old = aged(own_cache / cache.ENCODED / IDS, 31)
    encoded(corpus)
    assert not old.exists()
    assert kept(own_cache).stat().st_size > len(TEXT)


def test_a_link_with_a_name_of_ours_goes_and_what_it_points_to_stays(
    own_cache: Path, corpus: Corpus, tmp_path: Path
) -> None:
    encoded(corpus)
    precious = aged(tmp_path / "precious", 400)
    (own_cache / cache.ENCODED / IDS).symlink_to(precious)
    cache.clear()
    assert files(own_cache) == set()
    assert precious.read_bytes() == b"a"


# Where it may be


def test_the_cache_is_in_the_home_folder(tmp_path: Path, no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = cache.cache_folder()
    assert folder is not None
    assert folder.is_relative_to(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_CACHE", "~/mine")
    assert cache.cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize("name", ["UNDERSTUDY_CACHE", "XDG_CACHE_HOME", None])
def test_a_home_folder_that_does_not_exist_is_not_made(
    name: str | None, tmp_path: Path, corpus: Corpus, no_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "none"
    monkeypatch.setenv("HOME", str(home))
    if name is not None:
        monkeypatch.setenv(name, str(home / ".cache"))
    assert cache.cache_folder() is None
    assert all_of(encoded(corpus)) == WANTED
    assert not home.exists()
    assert cache.kept() == cache.clear() == []


@pytest.mark.parametrize("home", ["", "/"])
def test_nothing_is_put_into_the_root_of_the_file_system(
    home: str, corpus: Corpus, no_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    before = set(Path("/").iterdir())
    assert all_of(encoded(corpus)) == WANTED
    assert set(Path("/").iterdir()) == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_a_user_without_account_and_home_goes_without_a_cache(open_place: Path) -> None:
    def work() -> None:
        os.chdir(open_place)
        assert cache.cache_folder() is None
        assert all_of(encoded(Corpus(find(["text.txt"])))) == WANTED
        assert [path.name for path in open_place.iterdir()] == ["text.txt"]

    assert as_nobody(work) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_a_cache_of_somebody_else_is_done_without(
    open_place: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(open_place / "cache"))
    encoded(corpus)

    def work() -> None:
        os.environ["UNDERSTUDY_CACHE"] = str(open_place / "cache")
        assert all_of(encoded(Corpus(find([open_place / "text.txt"])))) == WANTED
        assert cache.kept() == cache.clear() == []

    assert as_nobody(work) == 0
    assert kept(open_place / "cache" / cache.ENCODED).exists()


def test_processes_that_encode_the_same_text_at_once_each_have_it(own_cache: Path, corpus: Corpus) -> None:
    go, told = os.pipe()

    def work() -> None:
        os.read(go, 1)  # until all are there
        assert all_of(encoded(corpus)) == WANTED

    children = [started(work) for _ in range(4)]
    os.write(told, b"gogo")
    assert [ended(child) for child in children] == [0] * 4
    assert kept(own_cache).stat().st_size == len(TEXT) + DIGEST
    for end in (go, told):
        os.close(end)


def test_a_cache_that_is_a_file_is_done_without(own_cache: Path, corpus: Corpus) -> None:
    own_cache.write_text("a file")
    assert all_of(encoded(corpus)) == WANTED
    assert own_cache.read_text() == "a file"
    assert cache.kept() == cache.clear() == []


# What is told of it


def test_what_is_kept_is_told_with_sizes_and_what_is_cleared_is_gone(own_cache: Path, corpus: Corpus) -> None:
    encoded(corpus)
    (own_cache / cache.CORPORA).mkdir()
    assert cache.private_folder(cache.CORPORA) == own_cache / cache.CORPORA
    fetched = aged(own_cache / cache.CORPORA / "shakespeare.txt", 3, b"abc")
    aged(own_cache / cache.CORPORA / "tmpabc_1234", 0)
    aged(own_cache / cache.CORPORA / "mine.txt", 400)
    told = {file.path.relative_to(own_cache).as_posix(): file.size for file in cache.kept()}
    ids = next(path for path in (own_cache / cache.ENCODED).iterdir() if path.name != cache.MARKER)
    assert told == {
        ids.relative_to(own_cache).as_posix(): len(TEXT) + 32,
        "corpora/shakespeare.txt": 3,
        "corpora/tmpabc_1234": 1,
    }
    [used] = [file.used for file in cache.kept() if file.path == fetched]
    assert abs(time.time() - 3 * DAY - used) < 60
    assert {file.path.name for file in cache.clear()} == {ids.name, "shakespeare.txt", "tmpabc_1234"}
    assert files(own_cache) == {own_cache / cache.CORPORA / "mine.txt"}
    assert not (own_cache / cache.ENCODED).exists()
    assert cache.clear() == []


def test_old_unfinished_downloads_go_and_fetched_texts_stay(own_cache: Path) -> None:
    folder = cache.private_folder(cache.CORPORA)
    for name in ("shakespeare.txt", "tmpabcdefgh"):
        aged(folder / name, 400)
    aged(folder / "tmp_new_one", 0.5)
    cache.forget_old(cache.CORPORA)
    assert {path.name for path in files(own_cache)} == {"shakespeare.txt", "tmp_new_one"}
