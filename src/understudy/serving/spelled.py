"""A text in a model's symbols, and which character each symbol belongs to."""

import numpy as np
from numpy.typing import NDArray

from understudy.text.vocabulary import Vocabulary, code_points


class Spelled:
    """A text of N characters in M symbols.

    Attributes:
        ids: the symbols, (M,); characters that the model never saw have none.
        places: which character each belongs to, (M,).
        known: which characters have symbols, (N,).
    """

    def __init__(self, vocabulary: Vocabulary, text: str) -> None:
        """Spell the text.

        Raises:
            VocabularyError: it has what is no byte, and the model is one of bytes.
        """
        codes = code_points(text)
        if vocabulary.kind == "bytes":
            self.ids = vocabulary.codes(text).astype(np.int64)
            widths = 1 + (codes > 0x7F).astype(np.int64) + (codes > 0x7FF) + (codes > 0xFFFF)
            widths[(codes >= 0xD800) & (codes < 0xE000)] = 1  # half of a character stands for a byte
            self.places: NDArray[np.int64] = np.repeat(np.arange(len(codes), dtype=np.int64), widths)
            self.known = np.ones(len(codes), np.bool_)
        else:
            self.ids = vocabulary.encode(text, "skip")
            self.known = np.isin(codes, vocabulary.symbols)
            self.places = np.flatnonzero(self.known).astype(np.int64)

    def first(self, character: int) -> int:
        """The first symbol of that character, or of the next one that has any."""
        return int(np.searchsorted(self.places, character))
