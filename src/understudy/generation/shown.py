"""What one stream shows of the symbols that it draws: whole characters, up to a stop text."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from understudy.generation.stopping import StopWatch
from understudy.text.vocabulary import Vocabulary

FinishReason = Literal["length", "stop"]


class Shown:
    """One stream's text.

    Attributes:
        pieces: the text that was shown, in parts.
        finish_reason: why the stream ended; None while it goes on.
        ends: where asked for, how many characters are complete with each of the symbols drawn so far.
    """

    def __init__(
        self, vocabulary: Vocabulary, stops: Sequence[str], pending: Sequence[int] = (), *, counts: bool = False
    ) -> None:
        """Take the stop texts, the symbols drawn before that were not shown yet, and whether `ends` are wanted."""
        self.pieces: list[str] = []
        self.finish_reason: FinishReason | None = None
        self.ends: list[int] = []
        self._watch = StopWatch(stops)
        self._one_by_one, self._counts = bool(stops) or counts, counts
        self._decoder = vocabulary.decoder()
        self._decoder.decode(np.array(pending, np.int64))
        self._pending = bytes(self._decoder.pending)
        self._drawn = bytearray() if vocabulary.kind == "bytes" else None

    @property
    def pending(self) -> tuple[int, ...]:
        """Symbols that were drawn and are not shown yet: the bytes of an unfinished character."""
        return self._decoder.pending

    @property
    def data(self) -> bytes:
        """What was shown, as bytes; see `stream.Writing.data`."""
        text = "".join(self.pieces)
        if self._drawn is None:
            return text.encode("utf-8", "surrogatepass")
        whole = self._pending + self._drawn
        end = len(whole)
        if self.finish_reason == "stop":  # the bytes of the text before it, U+FFFD being one or more that are no UTF-8
            while whole[:end].decode("utf-8", "replace") != text:
                end -= 1
        return whole[len(self._pending) : end]

    def take(self, ids: NDArray[np.int64]) -> tuple[str, int]:
        """Take in drawn ids (T,): what is to be shown now, and how many were taken before a stop text was complete."""
        steps = range(1, len(ids) + 1) if self._one_by_one else (len(ids),)
        shown, taken = "", 0
        for upto in steps:
            decoded = self._decoder.decode(ids[taken:upto])
            if self._counts:
                self.ends.append((self.ends[-1] if self.ends else 0) + len(decoded))
            shown += self._watch.feed(decoded)
            taken = upto
            if self._watch.stopped:
                self.finish_reason = "stop"
                break
        if self._drawn is not None:
            self._drawn += ids[:taken].astype(np.uint8).tobytes()
        return self._show(shown), taken

    def finish(self) -> str:
        """The stream has its length: what was kept back."""
        self.finish_reason = "length"
        return self._show(self._watch.finish())

    def _show(self, text: str) -> str:
        if text:
            self.pieces.append(text)
        return text
