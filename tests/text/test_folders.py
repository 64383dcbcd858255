"""A folder of texts gives its texts, and nothing that runs wrote."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.text.helpers import as_nobody
from understudy import layout
from understudy.errors import TextError
from understudy.runs.material import TextOptions
from understudy.text.folders import left_out_note, texts_in
from understudy.text.source import find


def write(path: Path, data: bytes = b"text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def written_by_a_run(folder: Path) -> Path:
    """What a run leaves in its folder."""
    for name in (layout.MODEL, layout.METRICS, layout.SAMPLES, layout.REPORT, f"{layout.BOARD}/events.txt"):
        write(folder / name, b"what a model wrote")
    write(folder / layout.CHECKPOINTS / layout.checkpoint_name(30))
    write(folder / layout.CHECKPOINTS / "notes.txt")
    return folder


def names(folder: Path, *globs: str) -> list[str]:
    found = texts_in(folder, globs or ("*.txt",)).paths
    return [path.relative_to(folder).as_posix() for path in found]


# What runs wrote


@pytest.mark.parametrize("place", ["runs/a", "a", "deep/er/still/a"])
@pytest.mark.parametrize("globs", [("*.txt",), ("*",), ("**/samples.txt", "a.txt"), ("*.jsonl", "*.html", "a.txt")])
def test_run_folders_in_a_folder_are_left_out_and_that_is_said(
    place: str, globs: tuple[str, ...], tmp_path: Path
) -> None:
    write(tmp_path / "a.txt")
    written_by_a_run(tmp_path / place)
    written_by_a_run(tmp_path / place / layout.HELD_BACK)
    assert names(tmp_path, *globs) == ["a.txt"]
    corpus = TextOptions((str(tmp_path),), globs).corpus()
    assert corpus.left_out == (str(tmp_path / place),)
    assert corpus.left_out_note == f"left out, because runs wrote it: {tmp_path / place}"


@pytest.mark.parametrize(
    "made",
    [
        lambda run: write(run / layout.CHECKPOINTS / layout.checkpoint_name(0)),
        lambda run: write(run / layout.CHECKPOINTS / layout.BEGUN),
        lambda run: [write(run / name) for name in (layout.MODEL, layout.METRICS)],
    ],
)
def test_a_run_that_has_just_begun_or_has_lost_its_checkpoints_is_one(
    made: Callable[[Path], object], tmp_path: Path
) -> None:
    write(tmp_path / "a.txt")
    made(tmp_path / "run")
    write(tmp_path / "run" / layout.SAMPLES)
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_gives_the_same_text_before_and_after_a_run_in_it(tmp_path: Path) -> None:
    for name in ("a.txt", "deeper/b.txt", "deeper/samples.txt", "deeper/tensorboard/c.txt"):
        write(tmp_path / name)
    before = names(tmp_path)
    assert len(before) == 4
    written_by_a_run(tmp_path)
    written_by_a_run(tmp_path / layout.HELD_BACK)
    found = texts_in(tmp_path, ("*.txt", "*.html"))
    assert names(tmp_path, "*.txt", "*.html") == before
    assert found.left_out == [str(tmp_path / name) for name in (layout.HELD_BACK, layout.REPORT, layout.SAMPLES)]


def test_a_users_files_with_such_names_are_texts_where_no_run_is(tmp_path: Path) -> None:
    for name in ("samples.txt", "checkpoint/a.txt", "checkpoint/step-1.txt", "held-back/b.txt", "tensorboard/c.txt"):
        write(tmp_path / name)
    write(tmp_path / layout.METRICS)
    assert len(names(tmp_path)) == 5


def test_what_is_named_outright_is_a_text_whoever_wrote_it(tmp_path: Path) -> None:
    samples = written_by_a_run(tmp_path / "run") / layout.SAMPLES
    assert [source.name for source in find([samples])] == [str(samples)]


@pytest.mark.parametrize("named", ["", "runs", "runs/a"])
def test_where_runs_are_all_there_is_the_error_says_so(named: str, tmp_path: Path) -> None:
    written_by_a_run(tmp_path / "runs" / "a")
    with pytest.raises(TextError, match=r"no text in this folder: .*left out, because runs wrote it: .*runs/a"):
        find([tmp_path / named])


def test_many_that_were_left_out_are_told_shortly() -> None:
    assert left_out_note([]) is None
    assert left_out_note(["a", "b", "c"]) == "left out, because runs wrote it: a, b, c"
    assert left_out_note(["a\x1b", *"bcdefg"]) == r"left out, because runs wrote it: a\x1b, b, c and 4 more"


# Odd folders


def test_links_that_go_round_in_circles_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "deeper" / "up").symlink_to("..")
    (tmp_path / "self.txt").symlink_to("self.txt")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    assert names(tmp_path) == ["a.txt"]
    assert names(tmp_path, "*/*.txt", "**/*.txt", "a.txt") == ["a.txt"]


def test_links_to_files_and_a_link_to_the_folder_itself_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a.md")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").symlink_to(tmp_path / "elsewhere" / "a.md")
    (tmp_path / "link").symlink_to("texts")
    assert names(tmp_path / "link") == ["a.txt"]


def test_what_is_no_file_is_no_text_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "zeros.txt").symlink_to("/dev/zero")
    write(tmp_path / "a.txt")
    assert names(tmp_path) == ["a.txt"]


def test_a_very_deep_folder_is_walked_or_named(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir("a" * 250, dir_fd=here)
            deeper = os.open("a" * 250, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
    finally:
        os.close(here)
    write(tmp_path / "a.txt")
    try:
        with pytest.raises(TextError, match="cannot be read: File name too long") as raised:
            names(tmp_path)
    finally:
        subprocess.run(["rm", "-r", str(tmp_path / ("a" * 250))], check=True)  # deeper than Python's own goes
    assert len(str(raised.value)) < 600


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
@pytest.mark.parametrize("closed", [".", "deeper"])
def test_a_folder_that_may_not_be_entered_is_named(closed: str, open_place: Path) -> None:
    write(open_place / "deeper" / "b.txt")
    (open_place / closed).chmod(0o711)

    def work() -> None:
        with pytest.raises(TextError, match="this folder cannot be read: Permission denied") as raised:
            names(open_place)
        assert str(open_place / closed) in str(raised.value)

    assert as_nobody(work) == 0


def test_names_of_every_kind_are_found(tmp_path: Path) -> None:
    odd = ["[a].txt", "a b.txt", "'q\"`.txt", "-a.txt", "@a.txt", "a\nb.txt", "\udcff.txt", "*?.txt", "é.txt"]
    odd += ["[d]/-/a.txt", "@d/ /a.txt"]
    for name in odd:
        write(tmp_path / name, os.fsencode(name))
    sources = find([tmp_path])
    assert {os.path.relpath(source.name, tmp_path) for source in sources} == set(odd)
    for source in sources:
        with source.open() as file:
            assert file.read() == os.fsencode(os.path.relpath(source.name, tmp_path))


# Patterns


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*.md", ["a.md", "x/b.md", "x/y/c.md"]),
        ("x/*.md", ["x/b.md"]),
        ("y/*", ["x/y/c.md"]),
        ("x/**/*.md", ["x/b.md", "x/y/c.md"]),
        ("**/**/**/**/**/**/*.md", ["a.md", "x/b.md", "x/y/c.md"]),
        ("x/**", ["x/b.md", "x/y/c.md"]),
        ("./a.md", ["a.md"]),
        ("[ab].md", ["a.md", "x/b.md"]),
        ("?.md", ["a.md", "x/b.md", "x/y/c.md"]),
        ("*" * 40 + "b.md", ["x/b.md"]),
    ],
)
def test_patterns_take_what_they_say(pattern: str, wanted: list[str], tmp_path: Path) -> None:
    for name in ("a.md", "x/b.md", "x/y/c.md", ".git/d.md", "x/.e/f.md"):
        write(tmp_path / name)
    assert names(tmp_path, pattern) == wanted


@pytest.mark.parametrize("pattern", ["", ".", "/", "/etc/*", "../*", "a/../*.md", "*.txt\0"])
def test_a_pattern_that_is_none_is_named(pattern: str, tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    with pytest.raises(TextError, match=r"--glob .*not a pattern of file names") as raised:
        find([tmp_path], ["*.txt", pattern])
    assert repr(pattern) in str(raised.value)


@pytest.mark.parametrize("pattern", ["[", "[!", "***.md", "a[b-", "\\", "(?x", "\x1b[31m", "\udcff", "a/" * 300])
def test_odd_patterns_that_find_nothing_are_named_in_one_short_line(pattern: str, tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    with pytest.raises(TextError, match="no text in this folder") as raised:
        find([tmp_path], [pattern])
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 700


def test_a_folder_of_too_many_files_is_given_up(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path / f"{number % 3}" / f"{number}.md")
    with pytest.raises(TextError, match="more than 20 files and folders"):
        texts_in(tmp_path, ("*.md",), 20)
    assert len(texts_in(tmp_path, ("*.md",), 33).paths) == 30
