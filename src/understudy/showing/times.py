"""Times as people say them."""

import math


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(math.floor(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def about(seconds: float) -> str:
    """A time to come as people say it, which nobody knows to the second."""
    return duration(round(seconds / 10) * 10) if seconds >= 60 else f"{max(1, round(seconds))} s"
