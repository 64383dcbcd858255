"""What the page sees is what the library says."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.generation.conftest import ALPHABET
from tests.serving.running import Running
from understudy.api import load
from understudy.generation.engine import Trace

TEXT = "the text é漢🎭, with more than one block of symbols!\n" * 20


def lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.splitlines()]


def scored(server: Running, **fields: Any) -> list[float | None]:
    """All nats, in order."""
    found: list[float | None] = []
    at = fields.get("from", 0)
    for piece in lines(server.post("/studio/score", **fields).body):
        assert piece["at"] == at
        found += piece["nats"]
        at += len(piece["nats"])
    return found


@pytest.mark.parametrize("name", ["letters", "grams", "bytes"])
@pytest.mark.parametrize("text", [TEXT, "a", "", "Q", "aQbQQ", "QQaQ" + TEXT], ids=lambda text: repr(text[:6]))
def test_the_surprise_is_the_librarys(server: Running, models: list[Path], name: str, text: str) -> None:
    model = load(next(path for path in models if path.stem == name), precision="int8")
    nats = np.asarray(model.score(text))
    if name == "bytes":
        widths = [len(character.encode()) for character in text]
        ends = np.cumsum([0, *widths])
        nats = np.array([nats[begin:end].sum() for begin, end in itertools.pairwise(ends)], np.float32)
    expected = [None if math.isnan(value) else pytest.approx(value, abs=1e-3) for value in nats.tolist()]
    assert scored(server, model=name, text=text) == expected


def test_from_a_place_on_it_is_the_same_whatever_was_read_before(server: Running) -> None:
    whole = scored(server, model="letters", text=TEXT)
    for begin in (0, 1, 255, 256, 257, 700, len(TEXT) - 1, len(TEXT)):
        assert scored(server, model="letters", text=TEXT, **{"from": begin}) == whole[begin:]
    changed = TEXT[:600] + "zz" + TEXT[600:]
    again = scored(server, model="letters", text=changed, **{"from": 590})
    assert again == scored(server, model="letters", text=changed)[590:]


@pytest.mark.parametrize("name", ["letters", "bytes"])
def test_what_comes_next_is_the_whole_distribution(server: Running, models: list[Path], name: str) -> None:
    told = server.post("/studio/next", model=name, text="abc", top=10).document
    logits = load(next(path for path in models if path.stem == name)).start("abc", seed=0).logits.astype(np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    assert [share for _, share in told["next"]] == pytest.approx(sorted(shares, reverse=True)[:10])
    assert told["rest"] == pytest.approx(1 - sum(sorted(shares, reverse=True)[:10]), abs=1e-6)
    if name == "letters":
        order = np.argsort(-shares, kind="stable")[:10]
        assert [sign for sign, _ in told["next"]] == [sorted(set(ALPHABET))[place] for place in order]


def test_a_unit_is_the_engines(server: Running, models: list[Path]) -> None:
    model = load(models[1])
    assert server.post("/studio/units", model="grams").document == {"layers": 2, "units": 24}
    ids = model.vocabulary.encode(TEXT)
    hidden = np.empty((len(ids), 2, 1, 24), np.float32)
    engine: Any = model.engine
    engine.trace(ids[:, None], engine.zero_state(1), Trace(hidden=hidden))
    told = server.post("/studio/units", model="grams", text=TEXT, layer=1, unit=7).document["values"]
    assert told == pytest.approx(hidden[:, 1, 0, 7].tolist(), abs=1e-4)
    assert server.post("/studio/units", model="grams", text="aQ", unit=0).document["values"][1] is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("score", {"from": -1}),
        ("score", {"from": 10**9}),
        ("score", {"text": 7}),
        ("next", {"top": 0}),
        ("units", {"unit": 24}),
        ("units", {"layer": 1}),
        ("copies", {"length": 1}),
        ("score", {"model": "nobody"}),
    ],
    ids=str,
)
def test_what_does_not_go_is_refused(server: Running, path: str, fields: dict[str, Any]) -> None:
    refused = server.post(f"/studio/{path}", **{"model": "letters", "text": "abc"} | fields)
    assert refused.status in (400, 404)
    assert refused.message


def test_copies_are_told_where_the_text_is_there(server: Running) -> None:
    told = server.post("/studio/copies", model="letters", text="abc").document
    assert "does not tell" in told["missing"]
