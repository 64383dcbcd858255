"""What a run learns from: cut as asked, with something to predict on both sides, or one line that says what to do."""

from pathlib import Path

import pytest

from understudy.errors import TextError
from understudy.runs.material import TextOptions, prepare


def options(path: Path, text: str, **how: str) -> TextOptions:
    path.write_bytes(text.encode())
    return TextOptions((str(path),), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.9, 0.99, 0.999999])
def test_both_parts_of_a_tiny_text_can_be_predicted_or_the_line_says_what_to_do(share: float, tmp_path: Path) -> None:
    for length in (*range(1, 25), 100):
        asked = options(tmp_path / "tiny.txt", ("ab\n" * length)[:length])
        cut = int((1 - share) * length) if share else length
        if cut < 2 or (share and length - cut < 2):
            with pytest.raises(TextError, match=r"^tiny: .* too few.*give more text") as raised:
                prepare(asked, share)
            assert str(raised.value).isprintable()
        else:
            material = prepare(asked, share)
            assert (len(material.train), material.held_back) == (cut, length - cut)


def test_what_is_left_to_learn_from_is_told_with_the_flag_to_change(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"--validation 0.9 of 12 characters leaves 1 to learn from.*smaller --valid"):
        prepare(options(tmp_path / "tiny.txt", "abcdefghijkl"), 0.9)
    with pytest.raises(TextError, match=r"9 characters are too few to hold 0.1 .*--validation 0$"):
        prepare(options(tmp_path / "tiny.txt", "abcdefghi"), 0.1)
    with pytest.raises(TextError, match="1 character is too few to learn from"):
        prepare(options(tmp_path / "tiny.txt", "a"), 0.0)


@pytest.mark.parametrize("text", ["z", "zz", "xyz!"])
def test_a_validation_file_without_anything_to_predict_is_named(text: str, tmp_path: Path) -> None:
    asked = options(tmp_path / "a.txt", "abcabc")
    (tmp_path / "b.txt").write_text(text)
    held = TextOptions(asked.texts, validation_file=str(tmp_path / "b.txt"))
    with pytest.raises(TextError, match=r"b\.txt: fewer than 2 characters that the text knows"):
        prepare(held, 0.1)


def test_a_text_that_is_open_already_is_not_opened_again(tmp_path: Path) -> None:
    asked = options(tmp_path / "a.txt", "abcabc")
    corpus = asked.corpus()
    material = prepare(TextOptions(("nowhere.txt",), validation_file="nowhere.txt"), 0.1, None, corpus, corpus)
    assert material.corpus is corpus
    assert (len(material.train), material.held_back) == (6, 6)


def test_names_are_settled_for_any_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = TextOptions(("a.txt", "-", "@python", "./@python", "./-"), validation_file="b.txt")
    held = asked.absolute()
    assert held.texts == (
        str(tmp_path / "a.txt"),
        "-",
        "@python",
        str(tmp_path / "@python"),
        str(tmp_path / "-"),
    )
    assert held.validation_file == str(tmp_path / "b.txt")
    assert TextOptions.from_document(held.to_document()) == held
