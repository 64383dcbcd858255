"""What the tests of texts share: a cache of their own, and a place that anybody may enter."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.text.helpers import TEXT, corpus_of


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test's own, not made yet."""
    folder = tmp_path / "own-cache"
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(folder))
    return folder


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that anybody may enter, with a text in it."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o777)
    corpus_of(place / "text.txt", TEXT)
    yield place
    shutil.rmtree(place)
