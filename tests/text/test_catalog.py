import hashlib
import inspect
import os
import socket
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from tests.text.web_server import answering
from understudy.errors import DownloadError, TextError
from understudy.text import cache, catalog
from understudy.text.corpus import Corpus, survey
from understudy.text.source import find

GOOD = "Füße, good and long enough\n".encode() * 1000
SHA256 = hashlib.sha256(GOOD).hexdigest()


@dataclass
class Site:
    """A web server on this machine: what it serves, and what it was asked for."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __truediv__(self, name: str) -> str:
        return f"{self.address}/{name}"


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            site.asked.append(name)
            if name not in site.files:
                self.send_error(404)
                return
            data = site.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if name in site.cut_off else data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    return Handler


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    with answering(handler(site)) as site.address:
        yield site


@pytest.fixture
def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/file"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != cache.MARKER]


def test_a_good_file_is_fetched_and_kept(site: Site, own_cache: Path) -> None:
    site.files["good"] = GOOD
    path = catalog.fetch("kept.txt", (site / "good",), SHA256)
    assert path.read_bytes() == GOOD
    assert path.name == "kept.txt"
    assert files_in(own_cache) == [path]


def test_a_kept_file_is_not_fetched_again(site: Site, own_cache: Path, nobody: str) -> None:
    site.files["good"] = GOOD
    path = catalog.fetch("kept.txt", (site / "good",), SHA256)
    assert catalog.fetch("kept.txt", (site / "good",), SHA256) == path
    assert site.asked == ["good"]
    assert catalog.fetch("kept.txt", (nobody,), SHA256).read_bytes() == GOOD


def test_a_kept_file_that_was_damaged_is_fetched_again(site: Site, own_cache: Path) -> None:
    site.files["good"] = GOOD
    path = catalog.fetch("kept.txt", (site / "good",), SHA256)
    path.write_bytes(GOOD[:-1])
    assert catalog.fetch("kept.txt", (site / "good",), SHA256).read_bytes() == GOOD
    assert site.asked == ["good", "good"]


def test_the_mirror_serves_where_the_first_address_does_not(site: Site, own_cache: Path, nobody: str) -> None:
    site.files |= {"mirror": GOOD, "wrong": GOOD + b"!", "half": GOOD}
    site.cut_off.add("half")
    for number, first in enumerate((nobody, site / "missing", site / "wrong", site / "half")):
        path = catalog.fetch(f"{number}.txt", (first, site / "mirror"), SHA256)
        assert path.read_bytes() == GOOD
    assert len(files_in(own_cache)) == 4
    assert site.asked == ["mirror", "missing", "mirror", "wrong", "mirror", "half", "mirror"]


def test_the_mirror_is_left_alone_where_the_first_address_serves(site: Site, own_cache: Path) -> None:
    site.files |= {"good": GOOD, "mirror": GOOD}
    catalog.fetch("kept.txt", (site / "good", site / "mirror"), SHA256)
    assert site.asked == ["good"]


def test_wrong_bytes_are_an_error_and_nothing_is_kept(site: Site, own_cache: Path) -> None:
    site.files["wrong"] = GOOD + b"!"
    with pytest.raises(DownloadError, match="another SHA-256") as raised:
        catalog.fetch("kept.txt", (site / "wrong",), SHA256)
    assert site / "wrong" in str(raised.value)
    assert files_in(own_cache) == []


def test_a_download_that_breaks_off_is_an_error_and_nothing_is_kept(site: Site, own_cache: Path) -> None:
    site.files["half"] = GOOD
    site.cut_off.add("half")
    with pytest.raises(DownloadError, match=site / "half"):
        catalog.fetch("kept.txt", (site / "half",), SHA256)
    assert files_in(own_cache) == []


def test_every_address_that_failed_is_named_with_its_reason_on_one_line(
    site: Site, own_cache: Path, nobody: str
) -> None:
    with pytest.raises(DownloadError) as raised:
        catalog.fetch("kept.txt", (nobody, site / "missing"), SHA256)
    message = str(raised.value)
    assert "kept.txt" in message
    assert nobody in message
    assert f"{site / 'missing'}: 404" in message
    assert "\n" not in message
    assert raised.value.exit_status == 1
    assert files_in(own_cache) == []


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["good"] = GOOD
    (tmp_path / "file").touch()
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(DownloadError, match="below"):
        catalog.fetch("kept.txt", (site / "good",), SHA256)


def test_a_cache_that_cannot_be_written_asks_nobody_and_names_the_remedy(site: Site, own_cache: Path) -> None:
    site.files["good"] = GOOD
    own_cache.write_text("a file")
    with pytest.raises(DownloadError, match="set UNDERSTUDY_CACHE") as raised:
        catalog.fetch("kept.txt", (site / "good",), SHA256)
    assert site.asked == []
    assert "\n" not in str(raised.value)
    assert own_cache.read_text() == "a file"


def test_a_read_only_cache_serves_what_it_has_and_is_named_for_what_it_has_not(
    site: Site, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["good"] = GOOD
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(small_disk / "cache"))
    path = catalog.fetch("kept.txt", (site / "good",), SHA256)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert catalog.fetch("kept.txt", (site / "good",), SHA256) == path
    assert site.asked == ["good"]
    with pytest.raises(DownloadError, match=r"cannot be written: Read-only file system; set UNDERSTUDY_CACHE"):
        catalog.fetch("other.txt", (site / "good",), SHA256)
    assert site.asked == ["good"]


def test_without_a_home_folder_a_fetched_text_lies_in_a_temporary_one(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["good"] = GOOD
    for name in ("UNDERSTUDY_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    path = catalog.fetch("homeless.txt", (site / "good",), SHA256)
    assert path.read_bytes() == GOOD
    assert catalog.fetch("homeless.txt", (site / "good",), SHA256) == path
    assert site.asked == ["good"]
    assert not (tmp_path / "none").exists()


def test_a_fetched_text_is_its_owners_alone(site: Site, own_cache: Path) -> None:
    site.files["good"] = GOOD
    before = os.umask(0)
    try:
        path = catalog.fetch("kept.txt", (site / "good",), SHA256)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(own_cache.stat().st_mode) == 0o700


def test_a_file_of_the_users_is_not_written_over(site: Site, own_cache: Path) -> None:
    site.files["good"] = GOOD
    theirs = own_cache / "corpora" / "kept.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("my own")
    with pytest.raises(DownloadError, match="files that Understudy did not write are there already"):
        catalog.fetch("kept.txt", (site / "good",), SHA256)
    assert theirs.read_text() == "my own"
    theirs.write_bytes(GOOD)
    assert catalog.fetch("kept.txt", (site / "good",), SHA256) == theirs


def test_shakespeare_is_the_tutorials_text(
    site: Site, own_cache: Path, nobody: str, tinyshakespeare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["shakespeare"] = tinyshakespeare.read_bytes()
    monkeypatch.setattr(catalog, "SHAKESPEARE_ADDRESSES", (nobody, site / "shakespeare"))
    for _ in range(2):
        [source] = find(["@shakespeare"])
        assert source.name == "@shakespeare"
        with source.open() as file:
            assert file.read() == tinyshakespeare.read_bytes()
    assert site.asked == ["shakespeare"]


def test_shakespeare_comes_from_two_places_over_tls() -> None:
    assert len(set(catalog.SHAKESPEARE_ADDRESSES)) == 2
    assert all(address.startswith("https://") for address in catalog.SHAKESPEARE_ADDRESSES)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    assert catalog.names() == ("@python", "@shakespeare")
    with pytest.raises(TextError, match="@python, @shakespeare"):
        catalog.opener("@goethe")


@pytest.fixture(scope="module")
def python() -> Corpus:
    return Corpus(find(["@python"]))


def test_python_is_about_a_megabyte_of_its_own_prose_in_plain_lines(python: Corpus) -> None:
    text = "".join(chr(code) for piece in python.symbols("characters") for code in piece.tolist())
    assert 500_000 < len(text.encode()) < 2_000_000
    assert [character for character in set(text) if ord(character) < 32] == ["\n"]
    assert python.name == "python"
    assert inspect.cleandoc(textwrap.__doc__ or "nothing") in text
    assert (inspect.getdoc(textwrap.dedent) or "nothing") in text
    assert topics["assert"].strip() in text


def test_python_is_the_same_on_every_run(python: Corpus) -> None:
    code = (
        "import hashlib; from understudy.text.catalog import python_prose; "
        "print(hashlib.sha256(python_prose().encode()).hexdigest())"
    )
    other_order_of_sets = {**os.environ, "PYTHONHASHSEED": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=other_order_of_sets, check=True
    )
    assert run.stdout.strip() == survey(python, "characters").sha256


def test_the_cache_is_where_the_environment_says(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.cache_folder() == own_cache
    monkeypatch.setenv("UNDERSTUDY_CACHE", "")
    usual = cache.cache_folder()
    assert usual is not None
    assert usual.name == "understudy"
