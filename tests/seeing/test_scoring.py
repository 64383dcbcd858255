"""Scoring: through the engine what the network makes of a text, and every place of the text where it stands."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.exports.models import KINDS, example, logits_of
from understudy.api import Model
from understudy.evaluation.protocols import streamed
from understudy.generation.portable.engine import PortableEngine
from understudy.model import file
from understudy.model.file import ModelFile
from understudy.model.parameters import network_of
from understudy.runs.material import TextOptions
from understudy.seeing import places as places_module
from understudy.seeing.places import BYS, Block, places_in
from understudy.seeing.scoring import Scorer
from understudy.seeing.surprise import Surprise, surprise
from understudy.text.corpus import Corpus
from understudy.text.encoded import Ids
from understudy.text.vocabulary import opening

LETTERS = "\n !,.abcdefghijklmnopqrstuvwxyzéЖ漢🎭"


def some_text(length: int, seed: int = 0, letters: str = LETTERS) -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


def corpus_of(folder: Path, *texts: str | bytes, kind: str = "characters") -> Corpus:
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    return TextOptions((str(folder),), vocabulary="bytes" if kind == "bytes" else "characters").corpus()


def scorer_of(model: ModelFile, alternatives: int = 0) -> Scorer:
    return Scorer(PortableEngine(model, numbers="float32"), len(model.vocabulary), alternatives)


def by_hand(model: ModelFile, ids: Sequence[int]) -> NDArray[np.float64]:
    """Nats of every symbol but the first, by the network from the zero state."""
    logits = logits_of(model, np.array(ids, np.int64)[:, None])[:-1, 0].astype(np.float64)
    logits -= logits.max(1, keepdims=True)
    shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return -np.take_along_axis(shares, np.array(ids, np.int64)[1:, None], 1)[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [2, 3, 1_999, 2_000, 5_003])
def test_the_sum_is_what_evaluate_says(kind: str, length: int) -> None:
    model = example(kind)
    ids = Ids(model.vocabulary.encode(some_text(length, letters=model.vocabulary.characters)))
    found = list(scorer_of(model).carried(ids))
    assert sorted(place for piece in found for place in range(piece.place, piece.place + len(piece.nats))) == list(
        range(1, length)
    )
    mean = sum(float(piece.nats.sum(dtype=np.float64)) for piece in found) / (length - 1)
    assert mean == pytest.approx(streamed(network_of(model), ids).loss, abs=1e-5)


def test_each_character_gets_what_the_network_gives_it() -> None:
    model = example("lstm-1-0")
    ids = model.vocabulary.encode(some_text(700, 3))
    (piece, *more) = scorer_of(model).carried(Ids(ids))
    nats = np.concatenate([piece.nats, *(part.nats for part in more)])
    assert nats == pytest.approx(by_hand(model, ids.tolist()), abs=1e-4)


@pytest.mark.parametrize("kind", ["gru-2-50", "lstm-1-0"])
def test_a_fresh_line_is_scored_as_if_it_stood_alone(kind: str) -> None:
    model, chance = example(kind), random.Random(4)
    lines = [model.vocabulary.encode(some_text(length, length, LETTERS[1:])) for length in (5, 0, 40, 1, 600, 7)]
    lines += [model.vocabulary.encode(some_text(chance.randrange(30), number)) for number in range(150)]
    before = opening(model.vocabulary)
    nats = np.full(sum(map(len, lines)), np.nan)
    for piece in scorer_of(model).fresh(iter(lines), before):
        assert np.isnan(nats[piece.place : piece.place + len(piece.nats)]).all()
        nats[piece.place : piece.place + len(piece.nats)] = piece.nats
    place = 0
    for line in lines:
        if len(line):
            alone = by_hand(model, [before, *line.tolist()])
            assert nats[place : place + len(line)] == pytest.approx(alone, abs=1e-4)
        place += len(line)


def test_the_likeliest_are_the_likeliest_with_their_probabilities() -> None:
    model = example("gru-1-0")
    ids = model.vocabulary.encode(some_text(60, 8))
    shares = np.exp(logits_of(model, ids[:, None])[:-1, 0].astype(np.float64))
    shares /= shares.sum(1, keepdims=True)
    (piece,) = scorer_of(model, alternatives=5).carried(Ids(ids))
    assert piece.likeliest is not None
    assert piece.likeliest.ids.tolist() == np.argsort(-shares, 1, kind="stable")[:, :5].tolist()
    assert piece.likeliest.probabilities == pytest.approx(np.sort(shares, 1)[:, ::-1][:, :5], abs=1e-5)
    (all_of_them,) = scorer_of(model, alternatives=500).carried(Ids(ids))
    assert all_of_them.likeliest is not None
    assert all_of_them.likeliest.probabilities.sum(1) == pytest.approx(np.ones(59), abs=1e-5)


@pytest.fixture
def texts(tmp_path: Path) -> Corpus:
    first = "Line one.\n\n  two words?\tzwölf\nWithout an end"
    return corpus_of(tmp_path / "texts", first, "", "abc def\nüü\n" + some_text(3_000, 5))


def all_of(found: Surprise) -> tuple[float, int, int]:
    return found.nats, found.predicted, found.unknown


@pytest.mark.parametrize("fresh", [False, True])
def test_places_of_every_kind_add_up_to_the_text(texts: Corpus, fresh: bool) -> None:
    model = example("gru-1-0")
    with surprise(texts, model.vocabulary, scorer_of(model), fresh=fresh) as found:
        length = sum(len(piece) for piece in texts.symbols("characters"))
        assert found.unknown > 3
        assert found.predicted == length - found.unknown - (not fresh)
        for by in BYS:
            places = list(found.places(by))
            sums = tuple(sum(getattr(place, name) for place in places) for name in ("nats", "predicted", "unknown"))
            if by == "word":
                assert sums[0] < found.nats
            else:
                assert sums == pytest.approx(all_of(found))
        words = [(place.source, place.line, place.column, place.text) for place in found.places("word")][:9]
        assert words == [
            (0, 1, 1, "Line"),
            (0, 1, 6, "one."),
            (0, 3, 3, "two"),
            (0, 3, 7, "words?"),
            (0, 3, 14, "zwölf"),
            (0, 4, 1, "Without"),
            (0, 4, 9, "an"),
            (0, 4, 12, "end"),
            (2, 1, 1, "abc"),
        ]
        lines = list(found.places("line"))
        assert [(line.source, line.line, line.text) for line in lines[:6]] == [
            (0, 1, "Line one."),
            (0, 2, ""),
            (0, 3, "  two words?\tzwölf"),
            (0, 4, "Without an end"),
            (2, 1, "abc def"),
            (2, 2, "üü"),
        ]
        assert (lines[5].unknown, lines[5].predicted) == (2, 1)
        assert [place.source for place in found.places("file")] == [0, 2]
        characters = "".join(place.text for place in found.places("character"))
        assert characters == "".join(chr(code) for piece in texts.symbols("characters") for code in piece.tolist())


def test_what_is_unknown_is_counted_and_never_scored(tmp_path: Path) -> None:
    model = example("gru-1-0")
    text = some_text(300, 1)
    marked = text[:100] + "ÜÜ" + text[100:] + "Ü"
    with surprise(corpus_of(tmp_path / "a", text), model.vocabulary, scorer_of(model)) as plain:
        expected = [place.nats for place in plain.places("character")]
    with surprise(corpus_of(tmp_path / "b", marked), model.vocabulary, scorer_of(model)) as found:
        places = list(found.places("character"))
        assert [place.text for place in places if place.unknown] == ["Ü"] * 3
        assert [place.predicted for place in places if place.unknown] == [0] * 3
        assert [place.nats for place in places if not place.unknown] == expected


def test_bytes_are_scored_and_shown_as_characters(tmp_path: Path) -> None:
    model = example("gru-1-0", symbols="")
    data = "a é\n漢🎭 b".encode() + b"\xff\xfe"
    with surprise(corpus_of(tmp_path / "a", data, kind="bytes"), model.vocabulary, scorer_of(model)) as found:
        characters = [(place.line, place.text, place.predicted) for place in found.places("character")]
        assert characters[:7] == [
            *((1, "a", 0), (1, " ", 1), (1, "é", 2), (1, "\n", 1)),
            *((2, "漢", 3), (2, "🎭", 4), (2, " ", 1)),
        ]
        assert sum(count for _, _, count in characters) == found.predicted == len(data) - 1
        assert [place.text for place in found.places("word")] == ["a", "é", "漢🎭", "b\ufffd\ufffd"]


@given(st.text(alphabet="ab \n漢", max_size=40), st.integers(0, 3), st.integers(1, 9))
def test_lines_and_characters_partition_any_block(text: str, lacking: int, column: int) -> None:
    codes = np.frombuffer(text.encode("utf-32-le"), np.dtype("<u4"))
    if not len(codes):
        return
    nats = np.arange(len(codes), dtype=np.float32)
    nats[:lacking] = np.nan
    block = Block(0, 7, column, codes)
    for by in ("line", "character"):
        places = list(places_in(block, nats, ~np.isnan(nats), by, "characters"))
        ends = "\n" if by == "line" else ""
        assert ends.join(place.text for place in places) in (text, text.removesuffix("\n"))
        assert sum(place.nats for place in places) == pytest.approx(float(np.nansum(nats)))
        at = 0
        for place in places:
            before = text[:at]
            assert place.line == 7 + before.count("\n")
            assert place.column == len(before) - before.rfind("\n") + (0 if "\n" in before else column - 1)
            at += len(place.text) + (by == "line")


def test_a_line_without_end_is_taken_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "_LONGEST_LINE", 50)
    model, text = example("gru-1-0"), some_text(500, 2, LETTERS[1:])
    corpus = corpus_of(tmp_path / "a", text + "\nnext")
    monkeypatch.setattr("understudy.text.corpus.READ_BYTES", 64)
    with surprise(corpus, model.vocabulary, scorer_of(model)) as found:
        lines = list(found.places("line"))
    assert "".join(line.text for line in lines) == text + "next"
    assert {line.line for line in lines[:-1]} == {1}
    assert lines[-1][1:4] == (2, 1, "next")
    assert len(lines) > 5
    columns = [line.column for line in lines[:-1]]
    assert columns == [1 + sum(len(line.text) for line in lines[:number]) for number in range(len(columns))]


def test_ten_planted_lines_are_among_the_first_fifteen(tmp_path: Path) -> None:
    """Of what the boxed model wrote itself; the odd ones look like lines of it, and are of another world."""
    model = file.read("@shakespeare")
    lines = [line for line in Model(model).generate(length=12_000, seed=3, temperature=0.9).split("\n") if line]
    odd = [
        "The mitochondria of vertebrate cells",
        "ERROR 500: disk quota exceeded at node seven",
        "import numpy as np",
        "Zwei Katzen sitzen auf dem Dach",
        "GET /index.html HTTP/1.1",
        "aaaaaaaaaaaaaaaaaaaaaaa",
        "SELECT name FROM users",
        "Bitcoin fell sharply on Tuesday morning",
        "je ne sais pas pourquoi",
        "kqzx vwjk pfgh",
    ]
    for number, line in enumerate(odd):
        lines.insert(20 + 23 * number, line)
    corpus = corpus_of(tmp_path / "log", "\n".join(lines) + "\n")
    for fresh in (False, True):
        with surprise(corpus, model.vocabulary, scorer_of(model), fresh=fresh) as found:
            first = [place.text for place in found.most("line", 15)]
        assert set(odd) <= set(first), first


def test_ranks_are_what_they_say(tmp_path: Path) -> None:
    model = example("gru-1-0")
    with surprise(corpus_of(tmp_path / "a", some_text(2_000, 6)), model.vocabulary, scorer_of(model)) as found:
        places = [place for place in found.places("line") if place.predicted]
        keys = {
            "mean": lambda place: place.nats / place.predicted,
            "total": lambda place: place.nats,
            "excess": lambda place: (place.nats - place.predicted * found.mean) / math.sqrt(place.predicted),
        }
        for rank in ("mean", "total", "excess"):
            assert found.most("line", 7, rank) == sorted(places, key=keys[rank], reverse=True)[:7]


@pytest.mark.slow
def test_a_long_lane_in_parts_sums_to_what_evaluate_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("understudy.seeing.scoring._SHORTEST_PART", 1_100)
    model = file.read("@shakespeare")
    text = Model(model).generate(length=40_007, seed=5, temperature=0.9)
    ids = Ids(model.vocabulary.encode(text))
    found = list(scorer_of(model).carried(ids))
    places = sorted(place for piece in found for place in range(piece.place, piece.place + len(piece.nats)))
    assert places == list(range(1, len(ids)))
    assert len({piece.place for piece in found}) > 30, "there are parts"
    mean = sum(float(piece.nats.sum(dtype=np.float64)) for piece in found) / (len(ids) - 1)
    assert mean == pytest.approx(streamed(network_of(model), ids).loss, abs=1e-4)
