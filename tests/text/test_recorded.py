"""A text that a run folder names is opened after a look at it, and read no further than it is said to go."""

import gzip
import os
import socket
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.text.helpers import TEXT
from understudy.errors import ModelFileError, TextError, UserError
from understudy.runs.material import TextOptions, prepare
from understudy.text.corpus import Corpus, survey
from understudy.text.vocabulary import Kind

LENGTH = len(TEXT)


def recorded(path: object, length: int = LENGTH, **how: Any) -> Corpus:
    return TextOptions((str(path),), **how).corpus(length)


def refused(path: object, length: int = LENGTH, **how: Any) -> str:
    """What is said of a text that is not to be read."""
    kind: Kind = how.get("vocabulary", "characters")
    with pytest.raises(TextError) as raised:
        survey(recorded(path, length, **how), kind)
    assert str(raised.value).isprintable()
    return str(raised.value)


def write(path: Path, text: str = TEXT, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (lambda path: write(path), {}),
        (lambda path: path.write_bytes(gzip.compress(TEXT.encode())), {}),
        (lambda path: write(path, TEXT, "utf-32"), {"encoding": "utf-32"}),
        (lambda path: write(path, TEXT.replace("\n", "\r\n")), {"newlines": "lf"}),
        (lambda path: [write(path / f"{n}.txt", line) for n, line in enumerate(TEXT.splitlines(True), 100)], {}),
        (lambda path: path.symlink_to(write(path.with_name("other"))), {}),
    ],
)
def test_the_text_itself_is_read_whole(make: Callable[[Path], object], how: dict[str, Any], tmp_path: Path) -> None:
    make(tmp_path / "text")
    assert survey(recorded(tmp_path / "text", **how), "characters").length == LENGTH


def test_bytes_are_counted_as_bytes(tmp_path: Path) -> None:
    size = len(TEXT.encode())
    path = write(tmp_path / "a.txt")
    assert survey(recorded(path, size, vocabulary="bytes"), "bytes").length == size
    assert "longer than" in refused(path, size - 1, vocabulary="bytes")


def test_a_longer_text_is_another_one(tmp_path: Path) -> None:
    assert f"longer than the {LENGTH - 1:,} symbols" in refused(write(tmp_path / "a.txt"), LENGTH - 1)
    write(tmp_path / "folder" / "a.txt")
    write(tmp_path / "folder" / "b.txt", "!")
    assert "b.txt: longer than" in refused(tmp_path / "folder")


@pytest.mark.parametrize("vocabulary", ["characters", "bytes"])
@pytest.mark.parametrize(
    ("block", "how"),
    [
        (b"a line of text\n", {}),
        (b"\r\n", {"newlines": "lf"}),
        (b"\x1b$B\x1b(B", {"encoding": "iso2022_jp"}),  # changes of script and back, which give no character
    ],
)
def test_a_bomb_is_not_unpacked(block: bytes, how: dict[str, Any], vocabulary: str, tmp_path: Path) -> None:
    member = gzip.compress(block * (1 << 20))
    (tmp_path / "bomb.txt").write_bytes(member * 100)
    tracemalloc.start()
    try:
        assert "bomb.txt: longer than" in refused(tmp_path / "bomb.txt", vocabulary=vocabulary, **how)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 << 20


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/urandom", "/dev/tty", "/dev/stdin", "/dev/fd/0"])
def test_a_device_is_not_opened(name: str) -> None:
    if not os.path.exists(name):  # noqa: PTH110
        pytest.skip(f"no {name} here")
    assert name in refused(name)


@pytest.mark.parametrize(
    "name", ["/proc/kmsg", "/proc/self/mem", "/proc/kcore", "/proc/self/maps", "/sys/kernel/notes"]
)
def test_what_the_system_makes_up_is_not_opened(name: str, tmp_path: Path) -> None:
    if not os.path.isfile(name):  # noqa: PTH113
        pytest.skip(f"no {name} here")
    assert "neither a file nor a folder" in refused(name)
    (tmp_path / "a.txt").symlink_to(name)
    assert "neither a file nor a folder" in refused(tmp_path / "a.txt")
    assert "neither a file nor a folder" in refused(tmp_path)


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        assert "neither a file nor a folder" in refused(tmp_path / name)


def test_nobody_waits_for_a_pipe_that_took_the_place_of_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    corpus = recorded(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(TextError, match="neither a file nor a folder"):
        survey(corpus, "characters")


def test_a_socket_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("socket")
        assert "neither a file nor a folder" in refused("socket")


def test_standard_input_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream, os.fdopen(writing, "w"):
        monkeypatch.setattr(sys, "stdin", stream)
        assert "standard input" in refused("-")


def test_nothing_is_fetched(own_cache: Path) -> None:
    assert "not on this machine" in refused("@shakespeare")
    assert not own_cache.exists()


def test_a_text_to_look_at_is_opened_as_carefully(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.txt"))
    options = TextOptions((path,), validation_file="/dev/zero")
    with pytest.raises(TextError, match="/dev/zero: neither"):
        options.validation_corpus(LENGTH)
    assert TextOptions((path,)).validation_corpus(LENGTH) is None
    options = TextOptions((path,), validation_file=path)
    other = options.validation_corpus(LENGTH)
    assert prepare(options, 0.1, None, options.corpus(LENGTH), other).held_back == LENGTH


GOOD = TextOptions(("a.txt",), ("*.md",), "utf-16", "lf", "bytes", "b.txt").to_document()


WRONG: dict[str, list[object]] = {
    "texts": [[], None, "a.txt", [1], [None], {"a": 1}, [["a"]]],
    "globs": [None, "*.txt", [7]],
    "encoding": [None, 7, ["utf-8"]],
    "newlines": [None, "cr", [], 7],
    "vocabulary": [None, "words", ["bytes"], {}],
    "validation_file": [0, False, [], ["b.txt"], 7],
}


def test_a_record_comes_back() -> None:
    assert TextOptions.from_document(GOOD) == TextOptions(("a.txt",), ("*.md",), "utf-16", "lf", "bytes", "b.txt")


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "a.txt",
        {},
        *({key: value for key, value in GOOD.items() if key != left_out} for left_out in GOOD),
        {**GOOD, "more": 1},
        *({**GOOD, key: value} for key, values in WRONG.items() for value in values),
    ],
)
def test_a_damaged_record_is_one_line(document: object) -> None:
    with pytest.raises(ModelFileError) as raised:
        TextOptions.from_document(document)  # type: ignore[arg-type]
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["a\0b", "x" * 100_000, "\ud800", "", "\x1b[31m", "@", "@\0", "a/" * 5000, "~"])
def test_any_name_that_is_recorded_is_opened_or_one_short_line(name: str, tmp_path: Path) -> None:
    hows: tuple[dict[str, Any], ...] = ({}, {"globs": ("*.nothing",)}, {"encoding": "\x1b"})
    for how in hows:
        with pytest.raises(UserError) as raised:
            survey(recorded(name, **how), "characters")
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 700
