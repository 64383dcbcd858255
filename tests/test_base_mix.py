"""The texts that the base learns from: nothing that is judged by is in them, and they are the same every time."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import shared_runs

from scripts.base import poems
from scripts.base.mixing import HELD_BACK, PIECE, RARE, Mix, gathered, pieces
from scripts.base.sources import LEFT_OUT, Source, novels

NOVELS = Path(__file__).parents[2] / "shared" / "data" / "novels"


def words(count: int, seed: int) -> str:
    chance = random.Random(seed)
    made = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(count)]
    return "".join(word + chance.choice([" ", " ", " ", ", ", ".\n"]) for word in made) + "\n"


@pytest.fixture(scope="module")
def judged() -> str:
    return words(3_000, 0)


@pytest.fixture(scope="module")
def mix(judged: str) -> Mix:
    def first(_: Path) -> Iterator[str]:
        yield words(90_000, 1)
        yield "kin of a home\n" + judged[1_000:1_400].replace(" ", "  ").replace("\n", " ") + "\nhid a dog\n"
        yield words(90_000, 2) + "a line with ∰ in it\n"

    def second(_: Path) -> Iterator[str]:
        yield "\n".join(str(random.Random(3).random()) for _ in range(30_000))

    made = [Source("first", "words", "free", 10**9, first), Source("second", "numbers", "free", 400_000, second)]
    return gathered(made, Path(), shared_runs.Runs([judged]))


def test_lines_that_share_fifty_characters_are_found_whatever_their_white_space(judged: str) -> None:
    runs = shared_runs.Runs([judged])
    taken = judged[500:550].replace("\n", " ")
    text = f"one\nsome words {taken.replace(' ', '  ')} and more\ntwo\n"
    assert runs.without(text) == ("one\ntwo\n", len(text) - len("one\ntwo\n"))
    assert runs.without(words(3_000, 9))[1] == 0
    shorter = f"x{judged[500:548]}y"
    assert runs.without(shorter)[1] == 0, "forty-eight are not fifty"


@pytest.mark.parametrize("length", [0, 1, 49, 50, 51, 52, 130])
def test_a_text_of_any_length_is_covered_by_itself_from_fifty_characters_on(length: int) -> None:
    text = "".join(random.Random(length).choices("abcdefg", k=length))
    covered = shared_runs.Runs([text]).covers(text)
    assert len(covered) == length
    assert covered.all() == (length >= shared_runs.LENGTH or not length)


def test_equal_hashes_are_equal_runs() -> None:
    chance = random.Random(4)
    text = "".join(chance.choices("ab", k=4_000)) * 2
    hashes, places = shared_runs.hashes(text)
    seen: dict[int, str] = {}
    for value, place in zip(hashes.tolist(), places.tolist(), strict=True):
        assert seen.setdefault(value, text[place : place + 50]) == text[place : place + 50]
    assert len(set(seen.values())) == len(seen)


def test_nothing_that_is_judged_by_is_learned(mix: Mix, judged: str) -> None:
    runs = shared_runs.Runs([judged])
    for text in (mix.early, mix.late, *mix.held.values()):
        assert not runs.covers(text).any()
    assert "kin of a home" in mix.early + "".join(mix.held.values())


def test_what_is_held_back_is_of_every_large_kind_and_not_learned(mix: Mix) -> None:
    assert set(mix.held) == {"words"}
    held = shared_runs.Runs(mix.held.values())
    assert not held.covers(mix.early).any()
    assert not held.covers(mix.late).any()
    share = len(mix.held["words"]) / len(mix.early)
    assert 0.3 / HELD_BACK < share < 3 / HELD_BACK


def test_a_source_gives_as_much_as_it_may_and_rare_characters_are_left_out(mix: Mix) -> None:
    assert "∰" not in mix.early
    assert "a line with" not in mix.early
    numbers = sum(line.startswith("0.") for line in mix.early.splitlines())
    assert 17_000 < numbers < 25_000
    assert all(mix.early.count(symbol) >= RARE // 2 for symbol in set(mix.early))


def test_pieces_are_the_text() -> None:
    text = words(20_000, 5)
    cut = pieces(text)
    assert "".join(cut) == text
    assert all(len(piece) >= PIECE for piece in cut[:-1])
    assert pieces("") == []


@pytest.mark.skipif(not NOVELS.is_dir(), reason="the novels are not here")
def test_authors_of_texts_that_are_judged_by_are_left_out() -> None:
    authors = {author for _, author, _ in novels(NOVELS)}
    assert set(LEFT_OUT) < authors
    assert not any("shakes" in author.lower() for author in authors)


def test_a_source_that_comes_in_the_end_only_is_not_learned_before(judged: str) -> None:
    most = Source("first", "words", "free", 10**9, lambda _: [words(9_000, 1)])
    last = Source("last", "words", "free", 0, lambda _: (), lambda _: [words(4_000, 2) + "feed a bad old dog\n"])
    with_it, without = (gathered(made, Path(), shared_runs.Runs([judged])) for made in ([most, last], [most]))
    assert with_it.early == without.early
    assert with_it.held == without.held
    assert "feed a bad old dog" not in without.late
    assert "feed a bad old dog" in with_it.late
    assert with_it.account[1] == f"{len(words(4_000, 2)) + 19:,} characters of last, free"


COLLECTION = (
    "A first one begins,",
    "Sing of the _sea_, 'twas said,(12)",
    "[Illustration]",
    "  And ’tis so still.",
    "Here ends it, at last.",
    "Somebody else's line",
    "Sing of the sea again",
    "And on",
)


def test_poems_are_taken_from_their_first_line_to_their_last_without_what_is_not_verse() -> None:
    wanted = [poems.Poem("One", "Sing of", "Here ends"), poems.Poem("Two", "Sing of", "nowhere")]
    one, two = poems.found(wanted, iter(COLLECTION))
    assert one == "Sing of the sea, 'twas said,\nAnd 'tis so still.\nHere ends it, at last."
    assert two == "Sing of the sea again\nAnd on"


def test_a_long_poem_is_cut_and_one_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poems, "LONGEST", 20)
    (cut,) = poems.found([poems.Poem("One", "Sing of", "Here ends")], iter(COLLECTION))
    assert cut == "Sing of the sea, 'twas said,\nAnd 'tis so still."
    with pytest.raises(LookupError, match="begins with 'No such'"):
        list(poems.found([poems.Poem("One", "No such", "line")], iter(COLLECTION)))
