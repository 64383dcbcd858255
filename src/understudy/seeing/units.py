"""A text as one self-contained page, coloured by the activation of any unit, with the units that follow something."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy import pages
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.sampling import Floats
from understudy.model.config import ModelConfig
from understudy.pages import escaped, json_in_page, numbers_in_page
from understudy.seeing.neurons import LOOKED_AT, Follower, activations, features, followers
from understudy.seeing.places import Block, character_starts, characters_of, places_in
from understudy.seeing.visible import visible
from understudy.text.corpus import Corpus
from understudy.text.vocabulary import Vocabulary

SHOWN, LARGEST = 10_000, 8 << 20
"""So many characters are on a page, and fewer where they have more activations than that."""
_PAGE = Path(__file__).with_name("page")


class Looked(NamedTuple):
    """A text that was read with every unit looked at.

    Attributes:
        text: N characters, as they are shown, without what the model never saw.
        hidden: every layer's h after each, (N, L, H).
        follow: by features, the units that follow them best.
        unknown: how many characters the model never saw.
        whole: whether the text ends there.
    """

    text: str
    hidden: Floats
    follow: dict[str, list[Follower]]
    unknown: int
    whole: bool


def look(corpus: Corpus, vocabulary: Vocabulary, engine: PortableEngine, config: ModelConfig) -> Looked:
    """Read the beginning of a text.

    Raises:
        TextError: a source cannot be read or decoded.
    """
    codes = corpus.head(vocabulary.kind, LOOKED_AT + 1)
    whole, codes = len(codes) <= LOOKED_AT, codes[:LOOKED_AT]
    ids = vocabulary.table()[codes]
    known = ids >= 0
    codes, ids = codes[known], ids[known].astype(np.int64)
    hidden = np.concatenate([np.zeros((0, config.layers, config.units), np.float32), *activations(engine, config, ids)])
    nothing = np.zeros(len(codes), np.float32)
    places = list(places_in(Block(0, 1, 1, codes), nothing, nothing == 0, "character", vocabulary.kind))
    last = np.append(character_starts(codes, vocabulary.kind)[1:], len(codes)) - 1  # of bytes, a character's last
    text, hidden = characters_of(places), hidden[last] if len(codes) else hidden
    follow = followers(hidden, features(text)) if text else {}
    return Looked(text, hidden, follow, int((~known).sum()), whole)


def page(looked: Looked, *, title: str, what: str) -> str:
    """The page of it."""
    _, L, H = looked.hidden.shape
    count = min(len(looked.text), SHOWN, max(1, LARGEST // (L * H)))
    cut = "" if count == len(looked.text) and looked.whole else f"<p>The page shows the first {count:,} characters.</p>"
    best = max((units[0] for units in looked.follow.values()), key=lambda unit: abs(unit.correlation), default=None)
    document = {
        "levels": _levels(looked.hidden[:count]),
        "units": H,
        "layers": L,
        "count": count,
        "first": best.layer * H + best.unit if best is not None else 0,
    }
    texts = {"title": title, "what": what, "text": visible(looked.text[:count]), "layers": str(L), "last": str(H - 1)}
    parts = {
        "cut": cut,
        "followers": "\n".join(_row(name, units, L, H) for name, units in looked.follow.items()),
        "model": json_in_page(document),
    }
    return pages.page(_piece("units.html"), _piece("units.css"), _piece("units.js"), texts, parts)


def _row(name: str, units: list[Follower], layers: int, width: int) -> str:
    buttons = "".join(
        f'<button type="button" data-unit="{unit.layer * width + unit.unit}">'
        f"{unit.named(layers)} ({unit.correlation:+.2f})</button>"
        for unit in units
    )
    return f'<tr><th scope="row">{escaped(name)}</th><td>{buttons}</td></tr>'


def _levels(hidden: Floats) -> str:
    """Activations, each a byte, unit by unit: those of one lie side by side."""
    whole: NDArray[np.int8] = np.round(127 * hidden.clip(-1, 1)).astype(np.int8)
    return numbers_in_page(whole.transpose(1, 2, 0))


def _piece(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
