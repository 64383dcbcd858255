"""Texts of any name, and of any kind that is none: they work, or one line says what does."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.text.helpers import as_nobody, read, write
from understudy.errors import TextError
from understudy.text.source import find

TEXT = "Füße\r\nzweite Zeile\n".encode()


@pytest.mark.parametrize(
    "name",
    ["@a.txt", "-a.txt", "-", "[a].txt", "a b.txt", "'q\"`.txt", "a\nb.txt", "\x1b[31m", "\udcff.txt", "*?.txt", "~"],
)
def test_a_file_of_any_name_is_a_text(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(name), TEXT)
    for named in (f"./{name}", tmp_path / name, Path(name), Path("./") / name):
        [source] = find([named])
        assert read(source) == TEXT


def test_a_file_that_has_the_form_of_a_corpus_is_named_with_how_to_give_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("@goethe"), TEXT)
    with pytest.raises(TextError, match=r"^@goethe: no corpus .*@python.*the file of that name is \./@goethe$"):
        find(["@goethe"])
    (tmp_path / "@folder").mkdir()
    with pytest.raises(TextError, match=r"\./@folder$"):
        find(["@folder"])
    with pytest.raises(TextError) as raised:
        find(["@nothing"])
    assert "./" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["a\0b", "x" * 300, "y" * 100_000, "a/" * 3000, "\udcff", "\x1b[31mred", "@\x1b", "a\nb", "", "file/below"]
)
def test_a_name_that_no_file_has_is_one_short_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("file"), TEXT)
    with pytest.raises(TextError, match=r"no such file|no corpus|without a name") as raised:
        find([name])
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 600


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to("a.txt")
    with pytest.raises(TextError, match=r"a\.txt: cannot be read: Too many levels of symbolic links"):
        find([tmp_path / "a.txt"])


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_not_a_text(name: str) -> None:
    with pytest.raises(TextError, match=f"{name}: neither a file nor a folder"):
        find([name])


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_what_may_not_be_read_is_named(open_place: Path) -> None:
    closed = write(open_place / "closed.txt", TEXT)
    inside = write(open_place / "folder" / "inside.txt", TEXT)
    closed.chmod(0o600)
    inside.parent.chmod(0o600)

    def work() -> None:
        [source] = find([closed])
        for tried in (source.open, lambda: find([inside])):
            with pytest.raises(TextError, match=r"\.txt: cannot be read: Permission denied"):
                tried()

    assert as_nobody(work) == 0


@pytest.mark.parametrize("stream", [io.StringIO("no bytes"), io.TextIOWrapper(io.BytesIO())])
def test_standard_input_that_gives_no_bytes_is_not_a_text(stream: IO[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(stream, io.StringIO):
        stream.close()
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(TextError, match="standard input"):
        find(["-"])


def test_a_folder_as_standard_input_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Folder(io.RawIOBase):
        """What Python makes of `understudy train - < .`: it cannot open a folder itself."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Folder())))
    with pytest.raises(TextError, match="standard input: cannot be read: Is a directory"):
        find(["-"])
