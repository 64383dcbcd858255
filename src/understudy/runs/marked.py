"""How the report of a run is told from any other page: its last line has the digest of all that comes before it.

So one that somebody has changed is theirs, and is neither replaced nor removed.
"""

import hashlib
import re
from typing import NamedTuple

LARGEST = 16 << 20
"""Bytes of a report, at most."""
_LINE = re.compile(
    rb"<!-- The report of a run of Understudy: step (\d{1,20}) of (\d{1,20}), SHA-256 ([0-9a-f]{64}) -->\n"
)
_LONGEST = 200


class Mark(NamedTuple):
    """Where the run stood that a report tells of.

    Attributes:
        step: steps done.
        steps: how many were planned.
    """

    step: int
    steps: int


def marked(page: str, mark: Mark) -> bytes:
    """The page as a run leaves it."""
    data = page.encode()
    digest = hashlib.sha256(data).hexdigest()
    line = f"<!-- The report of a run of Understudy: step {mark.step} of {mark.steps}, SHA-256 {digest} -->\n"
    return data + line.encode()


def mark_of(data: bytes) -> Mark | None:
    """Where the run stood that the page tells of; None where no run wrote the page, or somebody has changed it."""
    at = data.rfind(b"<!-- ", max(0, len(data) - _LONGEST))
    found = _LINE.fullmatch(data, at) if at >= 0 else None
    if found is None or hashlib.sha256(data[:at]).hexdigest().encode() != found[3]:
        return None
    return Mark(int(found[1]), int(found[2]))
