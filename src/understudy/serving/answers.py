"""What a request for completions gets: documents as the official client reads them, whole or in pieces."""

import math
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from understudy.serving.asked import Asked
from understudy.serving.rows import Odds, Piece
from understudy.serving.served import Served
from understudy.serving.tokens import Tokens
from understudy.text.vocabulary import Vocabulary


@dataclass
class _Text:
    """One text so far."""

    parts: list[str] = field(default_factory=list)
    odds: list[Odds] = field(default_factory=list)
    offset: int = 0
    last: Piece | None = None
    drawn: int = 0


class Answer:
    """What is told of one request, as its pieces come."""

    def __init__(self, asked: Asked, model: Served, seeds: Sequence[int], prompt_symbols: int, tokens: Tokens) -> None:
        """Take the request, its model, the seed of each text, how many symbols its prompts have, and what signs."""
        self._asked, self._model, self._seeds, self._tokens = asked, model, seeds, tokens
        self._prompt_symbols = prompt_symbols
        self._texts = [_Text() for _ in seeds]
        self._head = {
            "id": f"cmpl-{secrets.token_hex(12)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model.name,
            "system_fingerprint": model.digest.hex(),
        }

    @property
    def done(self) -> bool:
        """Whether every text has its end."""
        return all(text.last is not None for text in self._texts)

    def add(self, piece: Piece) -> None:
        """Keep a piece for the whole."""
        text = self._texts[piece.number]
        text.parts.append(piece.text)
        text.odds += piece.odds
        self._count(piece)

    def _count(self, piece: Piece) -> None:
        text = self._texts[piece.number]
        text.drawn = max(text.drawn, piece.drawn)
        if piece.finish_reason is not None:
            text.last = piece

    def whole(self) -> dict[str, Any]:
        """The document of all texts."""
        choices = []
        for index, text in enumerate(self._texts):
            assert text.last is not None, "all have ended"
            choices.append(self._choice(index, "".join(text.parts), text.odds, 0, text.last))
        return {**self._head, "choices": choices, "usage": self._usage()}

    def chunk(self, piece: Piece) -> dict[str, Any]:
        """The document of one piece of a stream."""
        text = self._texts[piece.number]
        choice = self._choice(piece.number, piece.text, piece.odds, text.offset, piece)
        text.offset += len(piece.text)
        self._count(piece)
        return {**self._head, "choices": [choice], **({"usage": None} if self._asked.usage else {})}

    def usage_chunk(self) -> dict[str, Any]:
        """The last document of a stream, where that is asked for."""
        return {**self._head, "choices": [], "usage": self._usage()}

    def _usage(self) -> dict[str, int]:
        written = sum(text.drawn for text in self._texts)
        return {
            "prompt_tokens": self._prompt_symbols,
            "completion_tokens": written,
            "total_tokens": self._prompt_symbols + written,
        }

    def _choice(self, index: int, text: str, odds: Sequence[Odds], offset: int, piece: Piece) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": index,
            "text": text,
            "logprobs": None,
            "finish_reason": piece.finish_reason,
            "seed": self._seeds[index],
        }
        if self._asked.alternatives is not None:
            choice["logprobs"] = logprobs(odds, self._model.vocabulary, offset)
        if piece.state is not None:
            choice["state"] = self._tokens.sign(piece.state, self._model.digest)
        return choice


def logprobs(odds: Iterable[Odds], vocabulary: Vocabulary, offset: int) -> dict[str, list[Any]]:
    """The probabilities of a text that begins at `offset`, in parallel lists, as the official client has them."""
    found: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    for symbol in odds:
        found["tokens"].append(symbol.text)
        found["text_offset"].append(offset)
        offset += len(symbol.text)
        if symbol.nats is None:
            found["token_logprobs"].append(None)
            found["top_logprobs"].append(None)
            continue
        logprob = _logprob(-symbol.nats)
        likeliest = {shown(vocabulary, other): _logprob(_log(share)) for other, share in symbol.likeliest}
        likeliest[shown(vocabulary, symbol.symbol)] = logprob
        found["token_logprobs"].append(logprob)
        found["top_logprobs"].append(likeliest)
    return found


def shown(vocabulary: Vocabulary, symbol: int) -> str:
    """A symbol by itself: a character, or a byte, by its number where it is none of ASCII."""
    if vocabulary.kind == "characters":
        return chr(int(vocabulary.symbols[symbol]))
    return chr(symbol) if symbol < 128 else f"bytes:\\x{symbol:02x}"


def _log(share: float) -> float:
    return math.log(share) if share > 0 else -math.inf


def _logprob(value: float) -> float:
    """A number that JSON has: what is less probable than any float32 is told as the least of them."""
    return value + 0.0 if value > -1e4 else -1e4
