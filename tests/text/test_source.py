import gzip
import io
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.text.helpers import read, write
from understudy.errors import StorageError, TextError
from understudy.text.source import find

TEXT = "Füße\r\nzweite Zeile\n".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose files hold their own names."""
    folder = tmp_path / "texts"
    for name in ("b.txt", "a.txt", "a/z.txt", "c.md", "d.py", ".hidden.txt", ".git/e.txt", "a/.f/g.txt"):
        write(folder / name, name.encode())
    write(folder / "b2.txt.gz", gzip.compress(b"b2.txt.gz"))
    (folder / "folder.txt").mkdir()
    return folder


@contextmanager
def piped(data: bytes) -> Iterator[IO[bytes]]:
    """The reading end of a pipe through which `data` comes."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(data)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        with os.fdopen(reading, "rb") as file:
            yield file
    finally:
        feeder.join()


def test_files_come_in_the_order_given(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, name.encode()) for name in ("z", "a.md", "m.txt")]
    sources = find([paths[0], str(paths[1]), paths[2]])
    assert [source.name for source in sources] == [str(path) for path in paths]
    assert [read(source) for source in sources] == [b"z", b"a.md", b"m.txt"]


def test_a_source_opens_as_often_as_needed(tmp_path: Path, open_files: None) -> None:
    for data in (TEXT, gzip.compress(TEXT)):
        [source] = find([write(tmp_path / "file", data)])
        assert [read(source), read(source)] == [TEXT, TEXT]


def test_a_folder_gives_its_text_files_in_name_order(folder: Path) -> None:
    wanted = ["a.txt", "a/z.txt", "b.txt", "b2.txt.gz"]
    sources = find([folder])
    assert [Path(source.name).relative_to(folder).as_posix() for source in sources] == wanted
    assert [read(source).decode() for source in sources] == wanted


@pytest.mark.parametrize(
    ("globs", "wanted"),
    [
        (["*.md"], ["c.md"]),
        (["*.py", "*.md"], ["c.md", "d.py"]),
        (["*.txt", "a*"], ["a.txt", "a/z.txt", "b.txt"]),
        (["a/*"], ["a/z.txt"]),
        (["**/*.md"], ["c.md"]),
    ],
)
def test_globs_take_other_files_from_a_folder(folder: Path, globs: list[str], wanted: list[str]) -> None:
    assert [read(source).decode() for source in find([folder], globs)] == wanted


def test_globs_do_not_touch_files_named_outright(folder: Path) -> None:
    assert [read(source) for source in find([folder / "d.py"], ["*.md"])] == [b"d.py"]


def test_a_folder_without_text_names_what_was_sought_and_the_remedy(tmp_path: Path) -> None:
    write(tmp_path / "notes.md", b"text")
    with pytest.raises(TextError) as raised:
        find([tmp_path])
    message = str(raised.value)
    assert message.startswith(str(tmp_path))
    assert all(part in message for part in ("*.txt", "--glob", "*.md"))
    with pytest.raises(TextError, match=r"\*\.rst"):
        find([tmp_path], ["*.rst"])


def test_a_missing_file_is_named_with_what_else_there_is(tmp_path: Path) -> None:
    with pytest.raises(TextError) as raised:
        find([tmp_path / "none.txt"])
    message = str(raised.value)
    assert message.startswith(str(tmp_path / "none.txt"))
    assert all(part in message for part in ("no such file", "@python", "@shakespeare"))


def test_a_text_given_in_place_of_its_path_is_no_file() -> None:
    with pytest.raises(TextError, match="no such file"):
        find(["To be, or not to be, that is the question. " * 100])


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(TextError, match=r"^@goethe: .*@python, @shakespeare"):
        find(["@goethe"])


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", TEXT)
    [source] = find([path])
    path.unlink()
    with pytest.raises(TextError, match=r"a\.txt: cannot be read: No such file"):
        source.open()


def test_gzip_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    packed = write(tmp_path / "packed.txt", gzip.compress(TEXT))
    plain = write(tmp_path / "plain.gz", TEXT)
    assert [read(source) for source in find([packed, plain])] == [TEXT, TEXT]


def test_a_gzip_file_of_several_members_is_one_text(tmp_path: Path) -> None:
    [source] = find([write(tmp_path / "a.gz", gzip.compress(TEXT) + gzip.compress(b"more"))])
    assert read(source) == TEXT + b"more"


@pytest.mark.parametrize("data", [b"", b"\x1f", b"\n"])
def test_a_file_shorter_than_the_mark_of_gzip_is_itself(tmp_path: Path, data: bytes) -> None:
    [source] = find([write(tmp_path / "a.txt", data)])
    assert read(source) == data


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input_can_be_read_again_and_again(
    monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    data = TEXT * 50_000
    with piped(pack(data)) as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        [source] = find(["-"])
        assert [read(source), read(source)] == [data, data]


def test_standard_input_named_twice_comes_once_as_with_cat(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(TEXT) as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        assert [read(source) for source in find(["-", "-"])] == [TEXT, b""]


def test_readers_of_standard_input_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(TEXT) as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        [source] = find(["-"])
    with source.open() as one, source.open() as other:
        assert one.read(3) == TEXT[:3]
        assert other.read(5) == TEXT[:5]
        assert one.read() == TEXT[3:]
        assert other.read() == TEXT[5:]


def test_threads_read_standard_input_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 40_000
    with piped(data) as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        [source] = find(["-"])
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(read(source) == data)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


def test_a_terminal_is_not_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    try:
        with os.fdopen(theirs, encoding="utf-8") as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            with pytest.raises(TextError, match="terminal"):
                find(["-"])
    finally:
        os.close(ours)


def test_no_standard_input_is_not_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TextError, match="standard input"):
        find(["-"])


def test_a_named_pipe_is_read_once_and_opens_as_often_as_needed(tmp_path: Path, open_files: None) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    feeder = threading.Thread(target=path.write_bytes, args=(gzip.compress(TEXT),))
    feeder.start()
    [source] = find([path])
    feeder.join()
    assert source.name == str(path)
    assert [read(source), read(source)] == [TEXT, TEXT]
    del source


def test_a_socket_is_not_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("socket")
        with pytest.raises(TextError, match="socket: cannot be read"):
            find(["socket"])


def test_a_pipe_that_does_not_fit_on_the_disk_is_a_storage_error(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, open_files: None
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with piped(os.urandom(1_000_000)) as pipe:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(pipe))
        with pytest.raises(StorageError, match="standard input in a temporary file: No space left"):
            find(["-"])
        while pipe.read(1 << 16):
            pass
