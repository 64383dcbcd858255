"""The tests of training are given runs as those of runs are."""

from tests.runs.conftest import opened, text

__all__ = ["opened", "text"]
