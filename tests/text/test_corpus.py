"""Sources as one text, and what is told of it."""

import codecs
import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.helpers import characters, complaint, corpus, raw, source_of
from understudy.errors import TextError
from understudy.text.corpus import READ_BYTES, Corpus, survey
from understudy.text.source import find
from understudy.text.vocabulary import Kind, Vocabulary

FACE = "\N{GRINNING FACE}"
MARK = "\ufeff"


# What comes in


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(1, 9))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "gb18030", "utf-7"])
def test_any_text_comes_in_whole_however_its_bytes_arrive(encoding: str, text: str, most: int) -> None:
    dripping = Corpus([source_of(text.encode(encoding), most)], encoding)
    assert characters(dripping) == text.removeprefix(MARK)


@given(st.binary(), st.integers(1, 9))
def test_any_bytes_come_in_as_they_are(data: bytes, most: int) -> None:
    assert raw(Corpus([source_of(data, most)])) == data


@pytest.mark.parametrize("before", range(1, len(FACE.encode())))
def test_a_character_across_two_read_blocks_is_whole(tmp_path: Path, before: int) -> None:
    text = "a" * (READ_BYTES - before) + FACE + "é"
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    assert characters(Corpus(find([path]))) == text


def test_files_packed_files_and_folders_make_one_text_in_order(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "2.txt").write_text("three\n")
    (tmp_path / "folder" / "1.txt.gz").write_bytes(gzip.compress(b"two\n"))
    (tmp_path / "z.txt").write_text("one\n")
    sources = find([tmp_path / "z.txt", tmp_path / "folder"])
    assert characters(Corpus(sources)) == "one\ntwo\nthree\n"
    assert raw(Corpus(sources)) == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["a\n", "b\n"], "a\nb\n"),
        (["a", "b"], "a\nb"),
        (["a\n\n", "\nb"], "a\n\n\nb"),
        (["a\r", "b"], "a\r\nb"),
        (["a", "", "b"], "a\nb"),
        (["a", "", "", "b"], "a\nb"),
        (["a\n", "", "b"], "a\nb"),
        (["", "a"], "a"),
        (["a" * READ_BYTES, "b"], "a" * READ_BYTES + "\nb"),
    ],
)
def test_lines_do_not_run_from_one_source_into_the_next(parts: list[str], whole: str) -> None:
    read = corpus(*(part.encode() for part in parts))
    assert characters(read) == whole
    assert raw(read) == whole.encode()


def test_the_last_line_stays_unended() -> None:
    assert characters(corpus(b"a\nb")) == "a\nb"


def test_a_byte_order_mark_is_dropped_at_the_start_of_each_source_only() -> None:
    marked = codecs.BOM_UTF8 + f"a{MARK}b\n".encode()
    assert characters(corpus(marked, marked)) == f"a{MARK}b\n" * 2
    assert characters(corpus(marked, marked, encoding="utf-8-sig")) == f"a{MARK}b\n" * 2
    assert characters(corpus(codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le"), encoding="utf-16-le")) == "a\n"


@pytest.mark.parametrize("most", [1, 3, READ_BYTES])
def test_a_byte_order_mark_is_dropped_once(most: int) -> None:
    assert characters(Corpus([source_of(codecs.BOM_UTF8 * 2 + b"a", most)])) == f"{MARK}a"


def test_line_ends_are_kept_unless_told() -> None:
    data = b"a\r\nb\rc\nd\n\re\r"
    assert characters(corpus(data)) == data.decode()
    assert characters(corpus(data, newlines="lf")) == "a\nb\nc\nd\n\ne\n"
    assert raw(corpus(data)) == data
    assert raw(corpus(data, newlines="lf")) == b"a\nb\nc\nd\n\ne\n"


@given(st.text("\r\nab"), st.integers(1, 5))
def test_any_line_ends_become_newlines_however_the_bytes_arrive(text: str, most: int) -> None:
    read = Corpus([source_of(text.encode(), most)], newlines="lf")
    wanted = re.sub(r"\r\n?", "\n", text)
    assert characters(read) == wanted
    assert raw(read) == wanted.encode()


def test_a_line_end_across_two_read_blocks_is_one_newline() -> None:
    data = b"a" * (READ_BYTES - 1) + b"\r\nb"
    wanted = b"a" * (READ_BYTES - 1) + b"\nb"
    assert characters(corpus(data, newlines="lf")).encode() == wanted
    assert raw(corpus(data, newlines="lf")) == wanted


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp1251", "shift_jis", "utf-16", "utf-16-le"])
def test_other_encodings_are_read_as_named(encoding: str) -> None:
    text = {"cp1251": "Быть или не быть\n", "shift_jis": "生きるべきか\n"}.get(encoding, "Größe à point\n")
    assert characters(corpus(text.encode(encoding), encoding=encoding)) == text


def damaged(kind: str) -> bytes:
    data = bytearray(gzip.compress(bytes(range(256)) * 40))
    if kind == "truncated":
        return bytes(data[:-12])
    if kind == "header only":
        return bytes(data[:5])
    data[{"header": 2, "body": len(data) // 2, "checksum": -8, "length": -1}[kind]] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize("kind", ["truncated", "header only", "header", "body", "checksum", "length"])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, kind: str, open_files: None) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(damaged(kind))
    with pytest.raises(TextError, match=r"a\.txt\.gz: the gzip file is damaged: "):
        raw(Corpus(find([path])))


def test_a_gzip_file_that_breaks_after_many_blocks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a line\n" * READ_BYTES)[:-9])
    assert "a.txt.gz: the gzip file is damaged" in complaint(Corpus(find([path])))


@pytest.mark.parametrize("data", [[b""], [b"", b""], [codecs.BOM_UTF8]])
def test_an_empty_text_is_named(data: list[bytes]) -> None:
    with pytest.raises(TextError, match=r"some\.txt: the text is empty"):
        survey(corpus(*data), "characters")


def test_an_empty_text_is_named_with_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(TextError, match=r"a\.txt, .*b\.txt\.gz: the text is empty"):
        survey(Corpus(find([tmp_path])), "bytes")


def test_a_file_that_goes_away_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    read = Corpus(find([path]))
    path.unlink()
    with pytest.raises(TextError, match=r"a\.txt: cannot be read"):
        survey(read, "bytes")


# What is told about it


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=f"\0{MARK}")), min_size=1))
def test_a_survey_counts_every_character_and_digests_the_text_in_utf_8(parts: list[str]) -> None:
    parts = [part + "\n" for part in parts]
    seen = survey(corpus(*(part.encode() for part in parts)), "characters")
    text = "".join(parts)
    assert seen.length == len(text)
    assert dict(zip(map(chr, seen.codes), seen.counts.tolist(), strict=True)) == Counter(text)
    assert seen.codes.tolist() == sorted(map(ord, set(text)))
    assert seen.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert seen.vocabulary() == Vocabulary.of_text(text)


@given(st.binary(min_size=1))
def test_a_survey_counts_every_byte_and_digests_them_as_they_are(data: bytes) -> None:
    seen = survey(corpus(data), "bytes")
    assert seen.length == len(data)
    assert dict(zip(seen.codes.tolist(), seen.counts.tolist(), strict=True)) == Counter(data)
    assert seen.sha256 == hashlib.sha256(data).hexdigest()
    assert seen.vocabulary() == Vocabulary.of_bytes()


def test_the_digest_is_of_the_text_not_of_its_files(tmp_path: Path) -> None:
    text = "Größe\nand more\n"
    one, other = text.splitlines(keepends=True)
    forms: Iterable[Corpus] = [
        corpus(text.encode()),
        corpus(one.encode(), other.encode()),
        corpus(codecs.BOM_UTF8 + text.encode()),
        corpus(text.encode("latin-1"), encoding="latin-1"),
        corpus(text.encode("utf-16"), encoding="utf-16"),
        corpus(text.replace("\n", "\r\n").encode(), newlines="lf"),
    ]
    assert {survey(form, "characters").sha256 for form in forms} == {hashlib.sha256(text.encode()).hexdigest()}


def test_the_tutorials_text_is_what_it_says(tinyshakespeare: Path) -> None:
    seen = survey(Corpus(find([tinyshakespeare])), "characters")
    assert seen.length == 1_115_394
    assert len(seen.codes) == 65
    assert seen.sha256 == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    assert seen.vocabulary().characters.startswith("\n !$&',-.3:;?ABC")


def test_what_a_vocabulary_lacks_is_told_with_counts() -> None:
    seen = survey(corpus(f"abc{FACE}éé".encode()), "characters")
    assert list(seen.unknown_to(Vocabulary.of_text("cab")).items()) == [("é", 2), (FACE, 1)]
    assert seen.unknown_to(Vocabulary.of_text(f"abcé{FACE}z")) == {}
    assert survey(corpus(b"abc"), "bytes").unknown_to(Vocabulary.of_bytes()) == {}


@given(st.text(st.characters(codec="utf-8", exclude_characters=f"\0{MARK}")), st.integers(0, 30), st.integers(1, 9))
def test_the_head_is_how_the_text_begins(text: str, length: int, most: int) -> None:
    read = Corpus([source_of(text.encode(), most)])
    assert read.head("characters", length).tolist() == [ord(character) for character in text[:length]]
    assert read.head("bytes", length).tolist() == list(text.encode()[:length])


# Line ends of Windows


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_carriage_returns_are_counted_and_the_remedy_is_named(kind: Kind) -> None:
    seen = survey(corpus(b"a\r\nb\r\nc\rd\n"), kind)
    assert seen.carriage_returns == 3
    assert seen.newlines_note is not None
    assert "3 carriage returns" in seen.newlines_note
    assert "--newlines lf" in seen.newlines_note
    assert seen.newlines_note.isprintable()


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_a_text_without_carriage_returns_has_no_such_note(kind: Kind) -> None:
    for read in (corpus(b"a\nb\n"), corpus(b"a\r\nb\r", newlines="lf"), corpus(b"\x0c\x0e")):
        seen = survey(read, kind)
        assert seen.carriage_returns == 0
        assert seen.newlines_note is None


def test_no_text_at_all_is_named() -> None:
    with pytest.raises(TextError, match="no text was named"):
        corpus()
