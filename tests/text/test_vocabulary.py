import json
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ModelFileError, VocabularyError
from understudy.text.vocabulary import Vocabulary, code_points, printable
from understudy.text.vocabulary import opening as opening_of

some_text = st.text(min_size=1)
FACE = "\N{GRINNING FACE}"


def numbers(*ids: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(ids, np.int64)


def test_characters_are_numbered_in_code_point_order() -> None:
    vocabulary = Vocabulary.of_text(f"hello\né{FACE}")
    assert vocabulary.characters == f"\nehloé{FACE}"
    assert len(vocabulary) == 7
    assert vocabulary.encode("hello").tolist() == [2, 1, 3, 3, 4]
    assert vocabulary.encode(f"{FACE}\né").tolist() == [6, 0, 5]
    assert vocabulary.decode(numbers(2, 5, 3, 3, 4, 6)) == f"héllo{FACE}"


@given(some_text, st.randoms())
def test_the_order_of_the_text_does_not_matter(text: str, random: Any) -> None:
    shuffled = "".join(random.sample(text, len(text)))
    vocabulary = Vocabulary.of_text(text)
    assert Vocabulary.of_text(shuffled) == vocabulary
    assert Vocabulary.of_codes(np.array([ord(character) for character in set(shuffled)])) == vocabulary
    assert list(vocabulary.characters) == sorted(set(text), key=ord)


@pytest.mark.parametrize("half", [0xD800, 0xDBFF, 0xDC80, 0xDFFF])
def test_half_of_a_character_is_no_symbol(half: int) -> None:
    with pytest.raises(ValueError, match=f"U\\+{half:04X} is half of a character"):
        Vocabulary.of_text(f"a{chr(half)}\ue000")


def test_halves_of_characters_in_a_prompt_are_unknown() -> None:
    for vocabulary in (Vocabulary.of_text("abc"), Vocabulary.of_bytes()):
        with pytest.raises(
            VocabularyError, match=r"'\\ud83d' \(U\+D83D\), '\\ude00' \(U\+DE00\); .*--unknown skip"
        ) as raised:
            vocabulary.encode("a\ud83db\ude00c")
        assert str(raised.value).isprintable()
        assert vocabulary.unknown("a\ud83db\ude00\ude00") == Counter("\ud83d\ude00\ude00")
        kept = vocabulary.encode("a\ud83db\ude00c", "skip")
        assert kept.tolist() == vocabulary.encode("abc").tolist()


@pytest.mark.parametrize("characters", ["", "ba", "aab", f"{FACE}a"])
def test_characters_out_of_order_or_twice_are_rejected(characters: str) -> None:
    with pytest.raises(ValueError, match="distinct characters in code-point order"):
        Vocabulary("characters", characters)


def test_a_vocabulary_of_bytes_has_no_characters_of_its_own() -> None:
    with pytest.raises(ValueError, match="no characters"):
        Vocabulary("bytes", "ab")


def test_bytes_are_numbered_by_value() -> None:
    vocabulary = Vocabulary.of_bytes()
    assert len(vocabulary) == 256
    assert vocabulary.encode("Aé€").tolist() == [0x41, 0xC3, 0xA9, 0xE2, 0x82, 0xAC]
    assert vocabulary.unknown("Aé€") == {}


def test_bytes_that_came_in_an_argument_and_are_no_utf_8_are_themselves() -> None:
    argument = b"a\xff\xe9".decode("utf-8", "surrogateescape")
    assert Vocabulary.of_bytes().encode(argument).tolist() == [0x61, 0xFF, 0xE9]


@given(some_text)
def test_any_text_comes_back_from_its_own_characters(text: str) -> None:
    vocabulary = Vocabulary.of_text(text)
    ids = vocabulary.encode(text)
    assert len(ids) == len(text)
    assert ids.dtype == np.int64
    assert vocabulary.decode(ids) == text


@given(st.text())
def test_any_text_comes_back_from_bytes(text: str) -> None:
    vocabulary = Vocabulary.of_bytes()
    ids = vocabulary.encode(text)
    assert bytes(ids.tolist()) == text.encode()
    assert vocabulary.decode(ids) == text


@given(st.binary())
def test_any_bytes_show_as_text(data: bytes) -> None:
    assert Vocabulary.of_bytes().decode(np.frombuffer(data, np.uint8)) == data.decode("utf-8", "replace")


def test_the_empty_text_has_no_ids() -> None:
    for vocabulary in (Vocabulary.of_text("a"), Vocabulary.of_bytes()):
        assert vocabulary.encode("").tolist() == []
        assert vocabulary.decode(numbers()) == ""


@given(some_text)
def test_the_table_and_encode_agree(text: str) -> None:
    vocabulary = Vocabulary.of_text(text)
    table = vocabulary.table()
    assert table[code_points(text)].tolist() == vocabulary.encode(text).tolist()
    assert np.count_nonzero(table >= 0) == len(set(text))


def test_unknown_characters_are_all_named_once_with_code_points() -> None:
    with pytest.raises(VocabularyError) as raised:
        Vocabulary.of_text("abc").encode(f"a€b{FACE}€c\x1b")
    message = str(raised.value)
    assert rf"'\x1b' (U+001B), '€' (U+20AC), '{FACE}' (U+1F600)" in message
    assert message.count("U+") == 3
    assert "--unknown skip" in message
    assert message.isprintable()


def test_skipping_leaves_only_the_unknown_out() -> None:
    vocabulary = Vocabulary.of_text("abc")
    assert vocabulary.encode(f"a€b{FACE}€c\x1b", "skip").tolist() == [0, 1, 2]
    assert vocabulary.encode("€", "skip").tolist() == []


def test_the_unknown_are_counted() -> None:
    assert Vocabulary.of_text("abc").unknown("a€b€€x") == Counter({"€": 3, "x": 1})


@given(some_text, st.text())
def test_known_and_unknown_make_the_whole(known: str, text: str) -> None:
    vocabulary = Vocabulary.of_text(known)
    kept = vocabulary.decode(vocabulary.encode(text, "skip"))
    assert kept == "".join(character for character in text if character in known)
    assert len(kept) + sum(vocabulary.unknown(text).values()) == len(text)


@pytest.mark.parametrize(
    ("character", "shown"),
    [("a", "'a' (U+0061)"), ("\n", r"'\n' (U+000A)"), ("é", "'é' (U+00E9)"), ("\u202e", r"'\u202e' (U+202E)")],
)
def test_a_character_is_named_so_that_any_terminal_can_show_it(character: str, shown: str) -> None:
    assert printable(character) == shown


@pytest.mark.parametrize(("size", "wanted"), [(1, "u1"), (256, "u1"), (257, "u2"), (5000, "u2"), (65537, "u4")])
def test_ids_take_the_smallest_unsigned_type(size: int, wanted: str) -> None:
    vocabulary = Vocabulary.of_codes(np.arange(0x10000, 0x10000 + size))
    assert len(vocabulary) == size
    assert vocabulary.dtype == np.dtype(wanted)


def test_bytes_take_one_byte() -> None:
    assert Vocabulary.of_bytes().dtype == np.dtype("u1")


@given(st.text(), st.sets(st.integers(0, 1000)))
def test_a_decoder_gives_the_text_wherever_its_bytes_are_split(text: str, cuts: set[int]) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    decoder = Vocabulary.of_bytes().decoder()
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [decoder.decode(data[start:stop]) for start, stop in pairwise(places)]
    assert "".join(pieces) == text
    assert decoder.pending == ()
    assert decoder.finish() == ""


def test_an_unfinished_character_is_kept_back_until_it_is_whole() -> None:
    first, second, third, last = FACE.encode()
    decoder = Vocabulary.of_bytes().decoder()
    told = [(decoder.decode(ids), decoder.pending) for ids in (numbers(ord("a"), first, second), numbers(third))]
    assert told == [("a", (first, second)), ("", (first, second, third))]
    assert decoder.decode(numbers(last, ord("b"))) == f"{FACE}b"
    assert decoder.pending == ()


def test_an_unfinished_character_at_the_end_shows_as_the_replacement_character() -> None:
    decoder = Vocabulary.of_bytes().decoder()
    assert decoder.decode(np.frombuffer(FACE.encode()[:3], np.uint8)) == ""
    assert decoder.finish() == "\ufffd"


def test_characters_are_never_kept_back() -> None:
    decoder = Vocabulary.of_text(f"a{FACE}").decoder()
    assert [decoder.decode(numbers(place)) for place in (1, 0, 1)] == [FACE, "a", FACE]
    assert decoder.pending == ()
    assert decoder.finish() == ""


@pytest.mark.parametrize(
    ("text", "opening"),
    [("ab\n c", "\n"), ("b c a", " "), ("cba", "a"), ("\t\n", "\n"), ("!\t", "\t")],
)
def test_a_text_opens_with_its_newline_or_space_or_first_symbol(text: str, opening: str) -> None:
    vocabulary = Vocabulary.of_text(text)
    assert vocabulary.decode(numbers(opening_of(vocabulary))) == opening


def test_bytes_open_with_the_newline() -> None:
    assert opening_of(Vocabulary.of_bytes()) == 10


@given(some_text, some_text)
def test_merged_is_the_vocabulary_of_both_texts(mine: str, other: str) -> None:
    merged = Vocabulary.of_text(mine).merged(Vocabulary.of_text(other))
    assert merged == Vocabulary.of_text(mine + other)


def test_bytes_merged_are_bytes() -> None:
    assert Vocabulary.of_bytes().merged(Vocabulary.of_bytes()) == Vocabulary.of_bytes()


@given(some_text)
def test_a_document_comes_back_through_json(text: str) -> None:
    vocabulary = Vocabulary.of_text(text)
    assert Vocabulary.from_document(json.loads(json.dumps(vocabulary.to_document()))) == vocabulary


def test_a_document_of_bytes_comes_back_through_json() -> None:
    document = json.loads(json.dumps(Vocabulary.of_bytes().to_document()))
    assert Vocabulary.from_document(document) == Vocabulary.of_bytes()


@pytest.mark.parametrize(
    "document",
    [
        None,
        "characters",
        ["kind", "characters"],
        {},
        {"kind": "words"},
        {"kind": ["bytes"]},
        {"kind": "characters"},
        {"kind": "characters", "characters": ""},
        {"kind": "characters", "characters": "ba"},
        {"kind": "characters", "characters": "aa"},
        {"kind": "characters", "characters": ["a", "b"]},
        {"kind": "characters", "characters": 7},
        {"kind": "characters", "characters": None},
        {"kind": "characters", "characters": "ab", "size": 2},
        {"kind": "bytes", "characters": "ab"},
        {"kind": "bytes", "characters": ""},
        {"kind": {}},
        {"kind": None, "characters": "ab"},
        {"kind": "characters", "characters": {"a": 1}},
        *({"kind": "characters", "characters": f"ab{half}"} for half in map(chr, (0xD800, 0xDBFF, 0xDC00, 0xDFFF))),
    ],
)
def test_a_damaged_document_is_rejected(document: object) -> None:
    with pytest.raises(ModelFileError, match="vocabulary"):
        Vocabulary.from_document(document)


def test_equal_vocabularies_are_one_and_others_are_not() -> None:
    first_256 = "".join(map(chr, range(256)))
    different = [*map(Vocabulary.of_text, ("ab", "abc", first_256)), Vocabulary.of_bytes()]
    again = [*map(Vocabulary.of_text, ("ba", "cab", first_256[::-1])), Vocabulary("bytes")]
    assert different == again
    assert {*different, *again} == set(different)
    assert len(set(different)) == 4
    assert len({vocabulary.digest for vocabulary in different}) == 4
    assert [vocabulary.digest for vocabulary in different] == [vocabulary.digest for vocabulary in again]
    assert different[0] != "ab"
