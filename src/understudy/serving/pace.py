"""How long one call of the engine may be: what a step takes is measured as it goes."""

SHORTEST, LONGEST, FIRST = 8, 256, 16
"""Steps of a call; so many where a text begins in it, that its first piece be there soon."""
_PATIENCE = 0.025
"""A call takes about so many seconds: so long does one wait who comes meanwhile."""
_MEMORY = 0.8


class Pace:
    """The time of a step, by how many texts are written together."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def steps(self, streams: int) -> int:
        """The steps of the next call: a power of two."""
        known = self._seconds.get(_size(streams))
        steps = FIRST if known is None else int(_PATIENCE / known)
        return max(SHORTEST, min(LONGEST, 1 << max(0, steps.bit_length() - 1)))

    def step_seconds(self, streams: int) -> float:
        """About how long a step takes."""
        return self._seconds.get(_size(streams), 1e-4)

    def measured(self, streams: int, steps: int, seconds: float) -> None:
        """A call of so many steps took so long."""
        size, now = _size(streams), seconds / steps
        self._seconds[size] = _MEMORY * self._seconds.get(size, now) + (1 - _MEMORY) * now


def _size(streams: int) -> int:
    return (streams - 1).bit_length()
