"""How much one request, and all of them together, may ask of the server."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds, each held before any work is done.

    Attributes:
        body: bytes of a request.
        text: bytes of one that brings a text to learn.
        depth: how deep lists and objects of a request may lie in each other.
        head: bytes of a request's first line and headers.
        arrival: seconds in which the head of a request must be there, and then its body.
        stall: seconds that a client may leave what it is sent unread.
        connections: that are open at a time.
        prompt: symbols of one prompt.
        prompts: prompts of one request.
        length: symbols that one text may have.
        choices: texts that one request may ask for, over all of its prompts.
        stops, stop: stop texts, and characters of one.
        alternatives: likeliest symbols that are told beside the drawn one.
        models: that are kept ready beside each other.
        together: texts that are written in one call of the engine.
        waiting: texts that may wait for their turn beside those; more are told to come again.
        states: bytes of states that are kept for prompts to come.
        logits: that are had at once: what a call of the engine takes beside the weights.
        unread: characters of a text that wait for its client before it is not written on.
    """

    body: int = 16 << 20
    text: int = 72 << 20
    depth: int = 20
    head: int = 16 << 10
    arrival: float = 20.0
    stall: float = 60.0
    connections: int = 512
    prompt: int = 2_000_000
    prompts: int = 64
    length: int = 200_000
    choices: int = 128
    stops: int = 4
    stop: int = 1000
    alternatives: int = 5
    models: int = 16
    together: int = 64
    waiting: int = 192
    states: int = 64 << 20
    logits: int = 1 << 21
    unread: int = 1 << 15
