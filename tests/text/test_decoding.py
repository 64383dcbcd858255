"""What is no text is refused, with the place where it stands."""

import codecs
import encodings.aliases
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text.helpers import characters, complaint, corpus, raw, source_of, with_remedies
from understudy.errors import ConfigError, TextError
from understudy.text.corpus import READ_BYTES, Corpus
from understudy.text.source import find

FACE = "\N{GRINNING FACE}"
MARK = "\ufeff"


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "hex", ""])
def test_an_encoding_that_is_none_of_text_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--encoding {name}: .*utf-16"):
        corpus(b"a", encoding=name)


@pytest.mark.parametrize(
    "offset",
    [0, 7, READ_BYTES - 1, READ_BYTES, READ_BYTES + 12_345, 3 * READ_BYTES],
)
def test_a_byte_that_is_not_utf_8_is_named_with_its_place_and_both_remedies(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"a" * offset + b"\xe9 la carte")
    message = complaint(Corpus(find([path])))
    assert message.startswith(f"{path}: ")
    assert f"byte 0xE9 at offset {offset:,} is not UTF-8" in message
    assert with_remedies(message)


def test_offsets_count_bytes_not_characters() -> None:
    good = f"é{FACE}€\n".encode()
    assert f"0xFF at offset {len(good)} " in complaint(corpus(good + b"\xff"))


@given(
    good=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    bad=st.sampled_from([b"\xff", b"\x80", b"\xc3(", b"\xe2\x82(", b"\xf0\x9f\x98(", b"\xed\xa0\x80", b"\xc0\x80"]),
    most=st.integers(1, 9),
)
def test_any_bad_byte_is_found_at_its_place_however_the_bytes_arrive(good: str, bad: bytes, most: int) -> None:
    before = good.encode()
    message = complaint(Corpus([source_of(before + bad + b"more", most)]))
    assert f"byte 0x{bad[0]:02X} at offset {len(before):,} is not UTF-8" in message


def test_a_sequence_that_goes_bad_in_the_next_read_block_is_found_where_it_begins() -> None:
    message = complaint(corpus(b"a" * (READ_BYTES - 2) + b"\xe2\x82" + b"("))
    assert f"byte 0xE2 at offset {READ_BYTES - 2:,} " in message


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("before", [0, 5, READ_BYTES - 2])
def test_a_character_cut_off_at_the_end_of_the_file_is_found_where_it_begins(before: int, kept: int) -> None:
    message = complaint(corpus(b"a" * before + FACE.encode()[:kept]))
    assert f"byte 0xF0 at offset {before:,} " in message
    assert with_remedies(message)


def test_a_bad_byte_in_the_second_file_is_found_there() -> None:
    read = Corpus([source_of(b"good\n", name="one.txt"), source_of(b"bad \xff", name="two.txt")])
    assert complaint(read).startswith("two.txt: byte 0xFF at offset 4 ")


def test_the_offset_counts_a_byte_order_mark() -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        assert "0xFF at offset 4 " in complaint(corpus(codecs.BOM_UTF8 + b"a\xff", encoding=encoding))


def test_the_offset_is_right_in_other_encodings_too() -> None:
    message = complaint(corpus(b"a" * READ_BYTES + b"\x81", encoding="cp1252"))
    assert f"byte 0x81 at offset {READ_BYTES:,} is not CP1252" in message
    message = complaint(corpus("ab".encode("utf-16") + b"\x00\xd8a\x00", encoding="utf-16"))
    assert "at offset 6 " in message


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_utf_16_file_gives_a_hint_that_helps(mark: bytes) -> None:
    encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    data = mark + "Hello\n".encode(encoding)
    message = complaint(corpus(data))
    assert "at offset 0 " in message
    assert "utf-16" in message
    assert with_remedies(message)
    assert characters(corpus(data, encoding="utf-16")) == "Hello\n"


def test_a_missing_byte_order_mark_of_utf_16_is_named_with_both_remedies() -> None:
    message = complaint(corpus("Hello\n".encode("utf-16-le"), encoding="utf-16"))
    assert message.startswith("some.txt: not readable as utf-16")
    assert with_remedies(message)


@pytest.mark.parametrize("before", [0, 9, READ_BYTES + 9])
def test_a_nul_says_that_the_file_is_binary_and_where(before: int) -> None:
    message = complaint(corpus(codecs.BOM_UTF8 + b"\r\n" * before + b"a\0b", newlines="lf"))
    assert message.startswith("some.txt: ")
    assert "binary" in message
    assert f"byte {3 + 2 * before + 1:,} " in message
    assert with_remedies(message)


def test_a_bad_byte_among_nuls_says_binary_too() -> None:
    message = complaint(corpus(b"\x7fELF\x02\xd0\0\0"))
    assert "0xD0 at offset 5 " in message
    assert "binary" in message
    assert with_remedies(message)
    assert "binary" not in complaint(corpus(b"plain \xd0"))
    assert "binary" not in complaint(corpus("ab".encode("utf-16") + b"\0", encoding="utf-16"))


def test_a_nul_is_a_byte_like_any_other() -> None:
    assert raw(corpus(b"a\0b")) == b"a\0b"


# Decoders that give what is no text


@pytest.mark.parametrize(
    ("encoding", "data", "offset"),
    [
        ("unicode_escape", rb"abc\ud800def", 3),
        ("unicode_escape", rb"\udfff", 0),
        ("unicode_escape", rb"a\ud83d\ude00", 1),  # a pair in escapes is two halves to Python
        ("raw_unicode_escape", rb"ab\udc00", 2),
        ("utf-7", b"abc+2AA-", 3),
        ("utf-7", b"+AGE-z+AGHYAQ-", 6),
    ],
)
@pytest.mark.parametrize(
    ("before", "most"), [(0, 1), (1000, 1), (0, READ_BYTES), (READ_BYTES - 1, READ_BYTES), (READ_BYTES + 7, READ_BYTES)]
)
def test_half_of_a_character_is_named_with_its_place_and_both_remedies(
    encoding: str, data: bytes, offset: int, before: int, most: int
) -> None:
    message = complaint(Corpus([source_of(b"x" * before + data + b" more", most)], encoding))
    assert message.startswith("some.txt: ")
    assert f"offset {before + offset:,} " in message
    assert re.search(r"lone surrogate, U\+D[89A-F]", message)
    assert with_remedies(message)
    assert "\n" not in message


def test_whole_characters_of_the_same_decoders_come_in() -> None:
    assert characters(corpus(rb"a\U0001F600\xe9", encoding="unicode_escape")) == f"a{FACE}é"
    assert characters(corpus(f"a{FACE}é".encode("utf-7"), encoding="utf-7")) == f"a{FACE}é"


@pytest.mark.parametrize("encoding", ["unicode_escape", "raw_unicode_escape"])
def test_an_escape_that_is_none_is_named(encoding: str) -> None:
    message = complaint(corpus(rb"abc\u12", encoding=encoding))
    assert "offset 3 " in message
    assert with_remedies(message)


def test_a_nul_that_a_decoder_makes_is_named_where_its_bytes_are() -> None:
    assert "byte 4 " in complaint(corpus(rb"abcd\x00e", encoding="unicode_escape"))
    assert "byte 4 " in complaint(corpus("a\0b".encode("utf-16"), encoding="utf-16"))


ERRORS: list[Exception] = [
    ValueError("two\nlines \x1b[31m"),
    TypeError("odd"),
    KeyError(7),
    AssertionError(),
    OverflowError("large"),
    RecursionError("deep"),
    NotImplementedError(),
    UnicodeError("no idea"),
    UnicodeDecodeError("odd", b"ab", 1, 2, "a reason"),
    UnicodeDecodeError("odd", b"", 3, 4, "a reason"),
    UnicodeEncodeError("odd", "ab", 1, 2, "a reason"),
]


@pytest.fixture
def codec() -> Iterator[list[Exception | object]]:
    """A codec of somebody's, `odd`: it raises the exception that is put into this list, or gives what else is."""
    does: list[Exception | object] = []

    class Odd(codecs.IncrementalDecoder):
        def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
            if isinstance(does[0], Exception):
                raise does[0]
            return does[0]  # type: ignore[return-value]

    def found(name: str) -> codecs.CodecInfo | None:
        if name != "odd":
            return None
        return codecs.CodecInfo(codecs.utf_8_encode, codecs.utf_8_decode, name="odd", incrementaldecoder=Odd)

    codecs.register(found)
    yield does
    codecs.unregister(found)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_whatever_a_codec_raises_is_one_line(error: Exception, codec: list[Exception | object]) -> None:
    codec.append(error)
    message = complaint(corpus(b"ab", encoding="odd"))
    assert message.startswith("some.txt: ")
    assert message.isprintable()
    assert with_remedies(message)


@pytest.mark.parametrize("given", [b"bytes", None, 7])
def test_a_codec_that_gives_no_text_is_named(given: object, codec: list[Exception | object]) -> None:
    codec.append(given)
    assert f"{type(given).__name__} in place of text" in complaint(corpus(b"ab", encoding="odd"))


@pytest.mark.parametrize("name", ["idna", "punycode", "a\0b", "a\ud800", "x" * 10_000, "os.path", "odd"])
def test_an_encoding_of_something_else_is_named_in_one_short_line(name: str) -> None:
    with pytest.raises(ConfigError, match="--encoding ") as raised:
        corpus(b"a", encoding=name)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 500


def test_a_name_that_python_tidies_up_is_shown_in_one_line() -> None:
    message = complaint(corpus(b"a\xff", encoding="utf-8\n"))
    assert "byte 0xFF at offset 1 " in message
    assert message.isprintable()


def all_encodings() -> list[str]:
    """Every encoding of texts that Python brings."""
    found = {*encodings.aliases.aliases.values(), "undefined", "raw_unicode_escape", "unicode_escape", "utf_8_sig"}
    names = []
    for name in sorted(found - {"mbcs", "oem", "tactis"}):
        with suppress(ConfigError):
            corpus(b"a", encoding=name)
            names.append(name)
    return names


@pytest.mark.parametrize("encoding", all_encodings())
@given(data=st.one_of(st.binary(), st.text("+-\\uUxd8aA0~{\x1b$B").map(str.encode)), most=st.integers(1, 9))
@settings(max_examples=10)
def test_any_bytes_in_any_encoding_are_a_text_or_one_line(encoding: str, data: bytes, most: int) -> None:
    read = Corpus([source_of(data, most)], encoding)
    text, said = "", ""
    try:
        text = characters(read)
    except TextError as error:
        said = str(error)
    assert said.isprintable()
    assert "\0" not in text
    text.encode()  # no halves of characters
