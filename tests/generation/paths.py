"""The ways in which this machine writes, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from understudy.errors import ConfigError
from understudy.generation.portable import compiled
from understudy.model.paths import CHOICE

WORDS = ("avx512-vnni", "avx512", "avx2", "neon", "plain", "numpy")


@contextmanager
def taking(path: str) -> Iterator[None]:
    """Engines that are made meanwhile take that path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CHOICE, path)
        yield


@cache
def paths_here() -> list[str]:
    """The paths that can be taken here, NumPy's last."""
    found = []
    for word in WORDS:
        with taking(word):
            try:
                found.append(compiled.path())
            except ConfigError:
                continue
    return found
