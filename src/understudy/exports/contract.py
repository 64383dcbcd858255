"""What every format gives: files, and what is to be said of them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """A model in another format.

    Attributes:
        files: their names, the one that was asked for first, and what is to be in them.
        sizes: what else takes room, and how many bytes: the weights in the files, and the state of a stream at least.
        promise: what text the same seed gives there.
    """

    files: Mapping[str, bytes]
    sizes: Mapping[str, int]
    promise: str
