"""A text on a web server is fetched once, gone on with where the connection was cut, and told of where it cannot be."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.text.helpers import read
from tests.text.web_server import Web, serving
from understudy.errors import DownloadError, StorageError, TextError, UnderstudyError
from understudy.text import cache, fetching
from understudy.text.progress import observed
from understudy.text.source import find

TEXT = b"".join(b"line %d of a text\n" % number for number in range(200_000))
PIECE = 1 << 20


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with nothing in it; nobody waits long."""
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(fetching, "_WAITS", (0.01, 0.01, 0.01))
    return tmp_path / "cache"


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as found:
        found.pages["/a.txt"] = TEXT
        yield found


def fetched(web: Web, path: str = "/a.txt") -> bytes:
    [source] = find([web.address + path])
    return read(source)


def refused(address: str, kind: type[UnderstudyError] = TextError) -> str:
    with pytest.raises(kind) as raised:
        find([address])
    assert str(raised.value).startswith(f"{address}: ")
    assert str(raised.value).isprintable()
    return str(raised.value)


def whole(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.text"))


def partials(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.is_file()]


def test_it_is_fetched_once_and_looked_at_again(web: Web, own_cache: Path, open_files: None) -> None:
    assert fetched(web) == TEXT
    asked = len(web.asked)
    assert fetched(web) == TEXT
    assert len(web.asked) == asked + 1
    assert len(whole(own_cache)) == 1
    assert partials(own_cache) == []


def test_what_changed_there_is_fetched_again(web: Web) -> None:
    assert fetched(web) == TEXT
    web.pages["/a.txt"] = TEXT[::-1]
    assert fetched(web) == TEXT[::-1]


def test_a_copy_that_was_tampered_with_is_fetched_again(web: Web, own_cache: Path) -> None:
    assert fetched(web) == TEXT
    [copy] = whole(own_cache)
    copy.write_bytes(TEXT[::-1])
    assert fetched(web) == TEXT


def test_where_nothing_tells_of_changes_it_is_fetched_each_time(web: Web, own_cache: Path) -> None:
    web.stamped = False
    assert fetched(web) == TEXT
    web.pages["/a.txt"] = TEXT[::-1]
    assert fetched(web) == TEXT[::-1]
    assert partials(own_cache) == []


def test_a_cut_connection_is_gone_on_with_by_range(web: Web, own_cache: Path, open_files: None) -> None:
    web.cuts = [None, 1_500_000, 700_000]
    assert fetched(web) == TEXT
    starts = web.starts()
    assert len(starts) == 2
    assert 0 < starts[0] <= 1_500_000 < starts[0] + 700_000
    assert starts[0] < starts[1] <= starts[0] + 700_000
    assert partials(own_cache) == []


def test_a_connection_that_is_cut_again_and_again_is_told_in_one_line(web: Web, own_cache: Path) -> None:
    web.cuts = [None, 1_500_000, *(20 * [0])]
    said = refused(f"{web.address}/a.txt", DownloadError)
    assert re.search(
        r"the connection was cut after 1,[\d,]+ of 4,\d\d\d,\d\d\d bytes: .*; give the command again", said
    )
    assert "goes on from there" in said
    assert whole(own_cache) == []


def test_the_next_command_goes_on_from_there(web: Web, own_cache: Path) -> None:
    web.cuts = [None, 1_500_000, *(3 * [0])]
    refused(f"{web.address}/a.txt", DownloadError)
    [partial] = partials(own_cache)
    there = partial.stat().st_size
    assert partial.read_bytes() == TEXT[:there]
    assert there > 1_000_000
    web.asked.clear()
    web.cuts = []
    assert fetched(web) == TEXT
    assert web.starts() == [there]
    assert partials(own_cache) == []


def test_a_part_of_what_has_changed_since_is_not_gone_on_with(web: Web) -> None:
    web.cuts = [None, 1_500_000, *(3 * [0])]
    refused(f"{web.address}/a.txt", DownloadError)
    web.asked.clear()
    web.cuts = []
    web.pages["/a.txt"] = TEXT[::-1]
    assert fetched(web) == TEXT[::-1]
    assert web.starts() == []


@pytest.mark.parametrize("stamped", [True, False])
def test_a_server_without_ranges_is_asked_for_all_of_it_again(stamped: bool, web: Web, own_cache: Path) -> None:
    web.ranges, web.stamped = False, stamped
    web.cuts = [None, 1_500_000]
    assert fetched(web) == TEXT
    assert partials(own_cache) == []


def test_what_changes_while_it_is_fetched_is_told(web: Web, own_cache: Path) -> None:
    web.cuts = [None, 1_500_000]

    def change(what: str, done: int, total: int | None) -> None:
        web.pages["/a.txt"] = TEXT[::-1]

    with observed(change):
        said = refused(f"{web.address}/a.txt", DownloadError)
    assert "changed while it was fetched" in said
    assert whole(own_cache) + partials(own_cache) == []


def test_a_length_that_is_told_wrong_is_told_in_one_line(web: Web, own_cache: Path) -> None:
    web.told = len(TEXT) + 10
    assert "the connection was cut after" in refused(f"{web.address}/a.txt", DownloadError)
    assert whole(own_cache) == []


def test_how_far_it_is_is_told_to_whoever_asks(web: Web) -> None:
    told: list[tuple[str, int, int | None]] = []
    with observed(lambda *how: told.append(how)):
        fetched(web)
    assert {what for what, _, _ in told} == {f"fetching {web.address}/a.txt"}
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1:] == (len(TEXT), len(TEXT))


def test_it_is_unpacked_by_its_bytes(web: Web) -> None:
    web.pages["/a.txt"] = gzip.compress(TEXT)
    assert fetched(web) == TEXT


def test_a_redirect_is_followed(web: Web) -> None:
    web.redirects["/there"] = "/a.txt"
    assert fetched(web, "/there") == TEXT


def test_a_circle_of_redirects_is_told(web: Web) -> None:
    web.redirects |= {"/b.txt": "/c.txt", "/c.txt": "/b.txt"}
    assert "in a circle" in refused(f"{web.address}/b.txt")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "no such text"),
        (410, "no such text"),
        (401, "does not give it to you"),
        (403, ".netrc"),
        (400, "in place of"),
    ],
)
def test_an_error_page_is_no_text(status: int, said: str, web: Web, own_cache: Path) -> None:
    web.statuses = [status]
    found = refused(f"{web.address}/a.txt")
    assert said in found
    assert f"HTTP {status} " in found
    assert whole(own_cache) == []


def test_a_server_that_is_busy_is_asked_again(web: Web) -> None:
    web.statuses = [503, 429]
    assert fetched(web) == TEXT
    web.statuses = 10 * [503]
    assert "cannot be reached: the server answers HTTP 503" in refused(f"{web.address}/a.txt", DownloadError)


def test_a_web_page_in_place_of_a_file_is_refused(web: Web) -> None:
    web.kind = "text/html; charset=utf-8"
    assert "a web page came, not the file" in refused(f"{web.address}/a.txt")
    web.pages["/a.html"] = web.pages["/a"] = TEXT
    assert fetched(web, "/a.html") == fetched(web, "/a") == TEXT


def test_a_server_that_is_not_there_is_told() -> None:
    assert "cannot be reached: Connection refused" in refused("http://127.0.0.1:1/a.txt", DownloadError)


@pytest.mark.parametrize(
    "address", ["http://", "https://", "http://[::1/a", "http://127.0.0.1:99999999/a", "http://*/a"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    refused(address)


def test_a_pattern_is_nothing_to_a_web_server(web: Web) -> None:
    assert "name each of them" in refused(f"{web.address}/*.txt")
    assert web.asked == []


def test_a_password_in_an_address_is_refused_and_not_repeated(web: Web) -> None:
    with pytest.raises(TextError, match="password") as raised:
        find([web.address.replace("http://", "http://me:sesame@") + "/a.txt"])
    assert "sesame" not in str(raised.value)
    assert web.asked == []


def test_a_full_disk_is_told_and_nothing_is_left(web: Web, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk / "cache"))
    assert "UNDERSTUDY_CACHE" in refusal_of_the_disk(f"{web.address}/a.txt")
    assert whole(small_disk) + partials(small_disk) == []


def refusal_of_the_disk(address: str) -> str:
    with pytest.raises(StorageError) as raised:
        find([address])
    return str(raised.value)


def test_copies_are_private_and_go_with_the_cache(web: Web, own_cache: Path) -> None:
    fetched(web)
    files = [path for path in own_cache.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in (*files, own_cache / cache.TEXTS)} == {0}
    cache.clear()
    assert not (own_cache / cache.TEXTS).exists()
