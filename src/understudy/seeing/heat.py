"""A text as one self-contained page, coloured by surprise, with what the model expected at each character."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy import pages
from understudy.generation.sampling import Floats
from understudy.pages import escaped, json_in_page, numbers_in_page
from understudy.seeing.levels import LEVELS, bounds_of, characters, runs, spans_of
from understudy.seeing.scoring import Scorer
from understudy.seeing.surprise import short
from understudy.seeing.visible import visible
from understudy.text.corpus import Corpus
from understudy.text.vocabulary import Vocabulary

SHOWN = 100_000
"""So many characters are on a page, from the text's beginning on."""
ALTERNATIVES = 5
"""So many of the likeliest characters are shown for each."""
_PAGE = Path(__file__).with_name("page")
_SCALE, _UNKNOWN, _UNPREDICTED = 1000, 0xFFFF, 0xFFFE
"""Nats are kept in thousandths, and these numbers stand for none."""


class Head(NamedTuple):
    """The beginning of a text, character by character.

    Attributes:
        text: N characters, as they are shown.
        nats: how surprising each was, (N,), not a number where nothing was predicted.
        known: which ones the model knows, (N,).
        ids: the likeliest symbols in the place of each, (N, K).
        probabilities: theirs, (N, K).
        whole: whether the text ends there.
    """

    text: str
    nats: NDArray[np.float64]
    known: NDArray[np.bool_]
    ids: NDArray[np.int64]
    probabilities: Floats
    whole: bool


def head(corpus: Corpus, vocabulary: Vocabulary, scorer: Scorer, *, fresh: bool) -> Head:
    """Score the beginning of a text; see `surprise.surprise`."""
    kind = vocabulary.kind
    codes = corpus.head(kind, SHOWN + 1)
    whole, codes = len(codes) <= SHOWN, codes[:SHOWN]
    known = vocabulary.table()[codes] >= 0
    nats = np.full(int(known.sum()), np.nan, np.float32)
    likeliest = np.zeros((len(nats), min(ALTERNATIVES, len(vocabulary))), np.int64)
    shares = np.zeros(likeliest.shape, np.float32)
    for scored in short(scorer, vocabulary, codes, fresh=fresh):
        assert scored.likeliest is not None, "alternatives are asked for"
        there = slice(scored.place, scored.place + len(scored.nats))
        nats[there], likeliest[there], shares[there] = scored.nats, *scored.likeliest
    each = np.full(len(codes), np.nan, np.float32)
    each[known] = nats
    text, surprise, shown, first = characters(codes, each, known, kind)
    row = np.maximum(np.cumsum(known) - 1, 0)[first]  # of an unknown character nothing is shown
    return Head(
        text,
        surprise,
        shown,
        likeliest[row] if len(nats) else np.zeros((len(first), likeliest.shape[1]), np.int64),
        shares[row] if len(nats) else np.zeros((len(first), likeliest.shape[1]), np.float32),
        whole,
    )


def page(found: Head, vocabulary: Vocabulary, *, title: str, what: str, counts: str) -> str:
    """The page.

    Args:
        found: the text and what was found.
        vocabulary: the model's.
        title: of the page.
        what: a line on the model.
        counts: a line on the whole text.
    """
    bounds = bounds_of(found.nats)
    kept = np.round(np.nan_to_num(found.nats) * _SCALE).clip(0, _UNPREDICTED - 1).astype("<u2")
    kept[np.isnan(found.nats)] = _UNPREDICTED
    kept[~found.known] = _UNKNOWN
    cut = "" if found.whole else f"<p>The page shows the first {len(found.text):,} characters of the text.</p>"
    used, numbers = np.unique(found.ids, return_inverse=True)
    document = {
        "nats": numbers_in_page(kept),
        "ids": numbers_in_page(numbers.astype("<u2")),
        "shares": numbers_in_page(np.round(found.probabilities * 65535).astype("<u2")),
        "symbols": _symbols(vocabulary, used),
        "alternatives": found.ids.shape[1],
        "scale": _SCALE,
        "unknown": _UNKNOWN,
        "unpredicted": _UNPREDICTED,
        "surprising": round(bounds[LEVELS - 2] * _SCALE),
    }
    parts = {
        "cut": cut,
        "legend": "\n".join(_legend(bounds)),
        "text": "".join(_runs(found, bounds)),
        "model": json_in_page(document),
    }
    texts = {"title": title, "what": what, "counts": counts}
    return pages.page(_piece("heat.html"), _piece("heat.css"), _piece("heat.js"), texts, parts)


def _runs(found: Head, bounds: list[float]) -> list[str]:
    """The text as elements, one for each run of characters that look alike."""
    names = ["", *(f' class="h{level}"' for level in range(1, LEVELS + 1)), ' class="u"']
    return [
        f'<span{names[level]} data-at="{start}">{escaped(found.text[start:end])}</span>'
        for start, end, level in runs(found.nats, found.known, bounds)
    ]


def _legend(bounds: list[float]) -> list[str]:
    plain, *spans = spans_of(bounds)
    lines = [f"<li><span>plain</span> {plain}</li>"]
    lines += [f'<li><span class="h{level}">{span}</span></li>' for level, span in enumerate(spans, start=1)]
    return lines


def _symbols(vocabulary: Vocabulary, ids: NDArray[np.int64]) -> list[str]:
    """What ids are called on the page."""
    codes = vocabulary.symbols[ids].tolist()
    if vocabulary.kind == "characters":
        return [visible(chr(code)) for code in codes]
    return [chr(code) if 32 <= code < 127 or code in (9, 10) else f"byte {code:02X}" for code in codes]


def _piece(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
