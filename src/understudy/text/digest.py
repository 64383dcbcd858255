"""A SHA-256 that another core computes while the text goes on being read."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self


class Digest:
    """Takes in one block while the next is made; to be closed, which leaves no thread behind."""

    def __init__(self, begun: bytes = b"") -> None:
        """Begin with `begun`."""
        self._digest = hashlib.sha256(begun)
        self._beside = ThreadPoolExecutor(1)
        self._going: Future[None] | None = None

    def update(self, block: bytes) -> None:
        """Take in a block, when the one before is taken in."""
        self._wait()
        self._going = self._beside.submit(self._digest.update, block)

    def digest(self) -> bytes:
        """The digest of all blocks."""
        self._wait()
        return self._digest.digest()

    def hexdigest(self) -> str:
        """The digest of all blocks, in hexadecimal."""
        return self.digest().hex()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown()

    def _wait(self) -> None:
        if self._going is not None:
            self._going.result()
