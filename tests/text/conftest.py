"""What the tests of texts share: a cache of their own."""

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own, not made yet."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(folder))
    return folder
