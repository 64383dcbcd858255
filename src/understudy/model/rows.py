"""A model's rows under another vocabulary: known symbols keep theirs, new ones begin as their nearest relatives."""

import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.model.container import Tensors
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

PLAINER = {
    **dict.fromkeys("‘’‚‛′`´", "'"),
    **dict.fromkeys("“”„«»″", '"'),
    **dict.fromkeys("–—―−‐‑", "-"),
    **dict.fromkeys("\t\u00a0\u2003\u3000", " "),
    "…": ".",
    "\r": "\n",
}
"""Characters that mean what another one means, in most texts."""
_Rows = NDArray[np.float32]


def rows_for(vocabulary: Vocabulary, counts: NDArray[np.int64], model: ModelFile, fresh: _Rows) -> Tensors:
    """The embedding (V, E) and the output layer, (V, H) and (V,), of a model under another vocabulary.

    Symbols that the model knows keep their rows; what it knows beyond the vocabulary is left out. A new symbol begins
    as its relative: the plain form of a letter with an accent, the other case, the plain quotation mark of a curly one.
    Where there is none, it begins as the mean of what is of its kind, told apart by its row of `fresh`. It is as much
    more or less probable than its relatives as it is in the text.

    Args:
        vocabulary: the symbols wanted.
        counts: how often each of them comes in what is learned from, (V,).
        model: whose rows they are.
        fresh: an embedding as it is initialised, (V, E).
    """
    embedding, weight, bias = (model.tensors[name] for name in ("embedding.weight", "output.weight", "output.bias"))
    old = model.vocabulary.symbols
    known, place = known_to(model.vocabulary, vocabulary)
    rows: Tensors = {
        "embedding.weight": embedding[place],
        "output.weight": weight[place],
        "output.bias": bias[place],
    }
    if known.all():
        return rows
    share = np.zeros(len(old))
    share[place[known]] = np.maximum(counts[known], 0.5) / max(1, counts.sum())
    seen = share > 0
    level = float((share[seen] * (bias[seen] - np.log(share[seen]))).sum() / share.sum()) if seen.any() else bias.min()
    kinds = _kinds(model.vocabulary)
    for new in np.flatnonzero(~known):
        like = _relatives(vocabulary, int(vocabulary.symbols[new]), old, kinds)
        rows["embedding.weight"][new] = embedding[like].mean(0) + (fresh[new] if len(like) > 1 else 0)
        rows["output.weight"][new] = weight[like].mean(0)
        own = np.log(max(counts[new], 0.5) / max(1, counts.sum()))
        theirs = share[like][share[like] > 0]
        start = bias[like][share[like] > 0].mean() - np.log(theirs.mean()) if len(theirs) else level
        rows["output.bias"][new] = min(start + own, bias.max())
    return rows


def known_to(old: Vocabulary, new: Vocabulary) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which symbols of a new vocabulary an old one has, (V,); and the ids there of those that it has, (V,)."""
    place = np.minimum(np.searchsorted(old.symbols, new.symbols), len(old) - 1)
    return old.symbols[place] == new.symbols, place


def _kinds(vocabulary: Vocabulary) -> NDArray[Any]:
    """The general categories of a vocabulary's characters, (V,); of bytes, nothing."""
    if vocabulary.kind == "bytes":
        return np.full(len(vocabulary), "")
    return np.array([unicodedata.category(character) for character in vocabulary.characters])


def _relatives(vocabulary: Vocabulary, code: int, old: NDArray[Any], kinds: NDArray[Any]) -> NDArray[np.int64]:
    """The ids of the old symbols that a new one begins like."""
    if vocabulary.kind == "bytes":
        return np.arange(len(old), dtype=np.int64)
    character = chr(code)
    for relative in (
        PLAINER.get(character, character),
        unicodedata.normalize("NFKD", character)[:1],
        character.swapcase(),
        unicodedata.normalize("NFKD", character)[:1].swapcase(),
    ):
        if len(relative) == 1 and (old == ord(relative)).any():
            return np.flatnonzero(old == ord(relative))
    kind = unicodedata.category(character)
    for alike in (kinds == kind, np.char.startswith(kinds, kind[0])):
        if alike.any():
            return np.flatnonzero(alike)
    return np.arange(len(old), dtype=np.int64)
