"""JSON lines and Parquet are read as their documents, joined by what is said to stand between them."""

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.text.helpers import characters, complaint, corpus, raw, write
from understudy.errors import MissingExtraError, TextError
from understudy.text.corpus import Corpus
from understudy.text.documents import Reading
from understudy.text.source import find

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
TEXTS = ["To be,\nor not", "", "Füße €\n", "the end"]
JOINED = "To be,\nor not\nFüße €\nthe end"


def lines(texts: list[Any], field: str = "text") -> bytes:
    return b"".join(json.dumps({"id": number, field: text}).encode() + b"\n" for number, text in enumerate(texts))


def table(path: Path, texts: list[Any], field: str = "text", **how: Any) -> Path:
    parquet.write_table(arrow.table({"id": list(range(len(texts))), field: texts}), path, **how)
    return path


def opened(*paths: object, field: str | None = None, between: str | None = None, **how: Any) -> Corpus:
    sources = find([str(path) for path in paths], how=Reading(field, between))
    return Corpus(sources, between=between, **how)


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL", "a.jsonl.gz", "a.jsonl.zst"])
def test_json_lines_are_known_by_their_name(name: str, tmp_path: Path, open_files: None) -> None:
    data = gzip.compress(lines(TEXTS)) if name.endswith(("gz", "zst")) else lines(TEXTS)
    assert characters(opened(write(tmp_path / name, data))) == JOINED


def test_a_field_that_is_named_makes_any_file_json_lines(tmp_path: Path) -> None:
    assert characters(opened(write(tmp_path / "a.txt", lines(TEXTS, "body")), field="body")) == JOINED


def test_json_lines_in_a_file_of_another_name_are_a_text(tmp_path: Path) -> None:
    assert raw(opened(write(tmp_path / "a.txt", lines(TEXTS)))) == lines(TEXTS)
    assert raw(opened(write(tmp_path / "a.jsonl", lines(TEXTS)), field="")) == lines(TEXTS)


def test_standard_input_is_json_lines_where_a_field_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines(TEXTS))))
    assert characters(opened("-", field="text")) == JOINED


@pytest.mark.parametrize("how", [{}, {"row_group_size": 2}, {"compression": "zstd"}, {"use_dictionary": False}])
def test_parquet_is_known_by_its_first_bytes(how: dict[str, Any], tmp_path: Path, open_files: None) -> None:
    assert characters(opened(table(tmp_path / "a.txt", [*TEXTS[:2], None, *TEXTS[2:]], **how))) == JOINED


def test_parquet_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(tmp_path / "a", TEXTS).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert characters(opened("-")) == JOINED


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_every_kind_of_text_that_parquet_has(kind: str, tmp_path: Path) -> None:
    of = arrow.dictionary(arrow.int32(), arrow.string()) if kind == "dictionary" else getattr(arrow, kind)()
    assert characters(opened(table(tmp_path / "a", arrow.array(TEXTS, arrow.string()).cast(of)))) == JOINED


def test_documents_are_utf_8_whatever_the_encoding_of_other_files(tmp_path: Path) -> None:
    latin, of_lines = write(tmp_path / "a.txt", "Füße\n".encode("latin-1")), write(tmp_path / "b.jsonl", lines(TEXTS))
    assert characters(opened(latin, of_lines, encoding="latin-1")) == "Füße\n" + JOINED


@pytest.mark.parametrize("between", ["", "\n\n", "\n<|end|>\n", "€"])
def test_what_is_said_to_stand_between_stands_between_any_two_documents(between: str, tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.txt", b"one\n"), write(tmp_path / "b.txt", b""), write(tmp_path / "c.txt", b"two")]
    paths += [write(tmp_path / "d.jsonl", lines(TEXTS)), table(tmp_path / "e", TEXTS)]
    wanted = between.join(["one\n", "two", *(2 * [text for text in TEXTS if text])])
    assert characters(opened(*paths, between=between)) == wanted
    assert raw(opened(*paths, between=between)) == wanted.encode()


def test_without_a_word_on_it_files_are_joined_as_ever() -> None:
    assert raw(corpus(b"one", b"", b"two\n", b"three", b"")) == b"one\ntwo\nthree\n"


def test_line_ends_are_made_newlines_in_documents_and_between_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", lines(["a\r\nb", "c"]))
    assert characters(opened(path, path, between="\r\n\r\n", newlines="lf")) == "a\nb\n\nc\n\na\nb\n\nc"


def test_a_text_of_many_documents_is_read_whole(tmp_path: Path) -> None:
    texts = [f"document {number}\n" * (40 * number % 7) for number in range(10_000)]
    wanted = "".join(texts)
    assert characters(opened(write(tmp_path / "a.jsonl", lines(texts)))) == wanted
    assert characters(opened(table(tmp_path / "b", texts, row_group_size=1000))) == wanted


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{'text': 1}", "line 2 is not JSON: Expecting property name"),
        (b'{"text": "abc', "line 2 is not JSON: Unterminated string"),
        (b"just a text", r"line 2 is not JSON: .*--text-field ''"),
        (b"[1, 2]", "line 2 is a list; expected an object"),
        (b'"text"', "line 2 is a text; expected an object"),
        (
            b'{"body": "x", "id": 3}',
            r"line 2 has no field 'text'; there are 'body', 'id'; name the one .* --text-field",
        ),
        (b"{}", "line 2 has no field 'text'; there are none"),
        (b'{"text": 5}', "line 2: the field 'text' is a number, not a text"),
        (b'{"text": {"en": "x"}}', "line 2: the field 'text' is an object, not a text"),
        (b'{"text": "\xff"}', "line 2 is not UTF-8"),
        (b'{"text": "\\ud800"}', r"line 2: the text has half of a character \(a lone surrogate, U\+D800\)"),
        (b"[" * 100_000, "line 2 is no JSON that can be read"),
        (b'{"text": ' + b"9" * 10_000 + b"}", "line 2 is no JSON that can be read"),
    ],
)
def test_a_line_that_is_none_is_told_with_its_number(line: bytes, said: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", lines(["good"]) + line + b"\n" + lines(["good"]))
    with pytest.raises(TextError, match=said) as raised:
        characters(opened(path))
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).isprintable()


def test_space_between_lines_and_a_mark_at_the_beginning_are_no_documents(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", b"\xef\xbb\xbf" + lines(["a"]) + b"\n  \r\n" + lines(["b"]).replace(b"\n", b"\r\n")
    )
    assert characters(opened(path)) == "a\nb"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("understudy.text.json_lines._LONGEST_LINE", 1000)
    path = write(tmp_path / "a.jsonl", lines(["a"]) + lines(["b" * 2000]))
    assert "line 2 is longer than 1,000 bytes" in complaint(opened(path))


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    said = complaint(opened(table(tmp_path / "a", TEXTS, "body")))
    assert "the Parquet file has no column 'text'; there are 'id', 'body'; name the one of the text" in said


@pytest.mark.parametrize(
    ("values", "said"),
    [([{"en": "x"}], "nested"), ([["x"]], "nested"), ([1], "not of texts (int64)"), ([b"x"], "not of texts (binary)")],
)
def test_a_column_of_something_else_is_told(values: list[Any], said: str, tmp_path: Path) -> None:
    found = complaint(opened(table(tmp_path / "a", values)))
    assert said in found.replace("'", "")
    assert "'id', 'text'" in found


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_a_parquet_file_that_was_cut_short_is_told_in_one_line(keep: float, tmp_path: Path, open_files: None) -> None:
    data = table(tmp_path / "a", TEXTS * 100).read_bytes()
    said = complaint(opened(write(tmp_path / "b", data[: int(len(data) * keep)])))
    assert "the Parquet file is damaged, or of a kind that cannot be read" in said
    assert said.isprintable()


def test_a_parquet_file_with_wrong_bytes_is_told_in_one_line(tmp_path: Path) -> None:
    data = bytearray(table(tmp_path / "a", [f"text {n}" for n in range(9000)], compression="zstd").read_bytes())
    place = parquet.ParquetFile(tmp_path / "a").metadata.row_group(0).column(1).data_page_offset
    data[place : place + 60] = bytes(60)
    said = complaint(opened(write(tmp_path / "b", bytes(data))))
    assert "the Parquet file is damaged, or of a kind that cannot be read" in said


def test_without_pyarrow_the_command_to_install_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = opened(table(tmp_path / "a", TEXTS))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'understudy\[parquet\]'"):
        characters(read)
