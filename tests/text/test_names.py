"""A text's name is safe as the name of a folder, on a screen and in a command."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.helpers import source_of
from understudy.text.corpus import Corpus
from understudy.text.names import short_name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/some/folder/play.txt", "play"),
        ("play.txt.gz", "play"),
        ("play.TXT.GZ", "play"),
        ("collected works.md", "collected-works"),
        ("README", "README"),
        ("v1.2.txt", "v1.2"),
        ("@python", "python"),
        ("standard input", "standard-input"),
        ("война и мир.txt", "война-и-мир"),
        ("cafe\u0301.txt", "café"),
        ("हिन्दी.txt", "हिन्दी"),
        ("紅樓夢.txt.gz", "紅樓夢"),
        ("my_text (1) [final], v=2.txt", "my_text-1-final-,-v=2"),
        (".hidden.txt", "hidden"),
        ("-rf.txt", "rf"),
        ("--out.txt", "out"),
        ("a...txt", "a"),
        ("$(rm -rf ~);'\"`&|<>*?!.txt", "rm-rf"),
        ("[bold]a[-bold].txt", "bold-a-bold"),
        ("a\x1b[31mb\n\tc.txt", "a-31mb-c"),
        ("caf\udce9.txt", "caf"),
        ("a\u202eb\u200bc.txt", "a-b-c"),
        ("C:\\texts\\play.txt", "C-texts-play"),
        ("CON.txt", "text-CON"),
        ("nul.a.txt", "text-nul.a"),
    ],
)
def test_a_text_is_named_after_its_first_source(file: str, name: str) -> None:
    assert Corpus([source_of(b"a", name=file), source_of(b"b", name="other.txt")]).name == name


@pytest.mark.parametrize(
    "file",
    [
        ".txt",
        "..txt",
        "...txt",
        "....txt.gz",
        ".gz",
        "..",
        ".",
        "",
        " .txt",
        "   ",
        "-.txt",
        "\udcff\udcfe.txt",
        "\n.txt",
    ],
)
def test_what_leaves_no_name_is_a_text(file: str) -> None:
    assert short_name(file) == "text"


@pytest.mark.parametrize("letter", ["a", "é", "語", "\U00020000", "e\u0323\u0302"])
def test_a_long_name_is_cut_between_characters(letter: str) -> None:
    name = short_name(letter * 300 + ".txt")
    assert 70 < len(name.encode()) <= 80
    assert name.isprintable()


@given(st.one_of(st.text(), st.text(st.characters(categories=["Cs", "Cc", "Zs", "Po"])), st.text("./ -~\0\udc80a")))
def test_any_name_is_safe(file: str) -> None:
    name = short_name(file)
    folder = Path("runs") / name
    assert folder.parent == Path("runs")
    assert folder.name == name
    assert name not in (".", "..", "")
    assert 0 < len(name.encode()) <= 90
    assert name.isprintable()
    assert name[0] == "_" or name[0].isalnum()
    assert not set(name) & (set(string.punctuation) - set("._+=,-"))
    assert not set(name) & set(string.whitespace)
    assert name[-1] not in ".-"
    assert short_name(f"{name}.txt") == name
