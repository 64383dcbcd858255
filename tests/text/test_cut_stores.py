"""A connection to an object store that is cut in the middle is taken up again, or told of in one line."""

import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.text.cutting_proxy import between
from tests.text.helpers import read
from tests.text.test_stores import own_cache, store  # noqa: F401 - fixtures
from understudy.errors import DownloadError
from understudy.text import fetching, stores
from understudy.text.source import find

DATA = random.Random(3).randbytes(2_000_000).hex().encode()


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_PIECE", 1_000_000)
    monkeypatch.setattr(fetching, "_WAITS", (0.01, 0.01))
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)  # it waits longer each time


def test_it_is_taken_up_again(store: Any, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    store.put_object(Bucket="bucket", Key="cut.txt", Body=DATA)
    where = urlsplit(store.meta.endpoint_url)
    with between(str(where.hostname), where.port or 0) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        proxy.cuts = [300_000, 500_000]
        [source] = find(["s3://bucket/cut.txt"])
    assert proxy.cut == 2
    assert read(source) == DATA
    assert [path.suffix for path in own_cache.rglob("*.text")] == [".text"]


def test_one_that_is_cut_each_time_is_told_and_gone_on_with_later(
    store: Any,  # noqa: F811
    own_cache: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.put_object(Bucket="bucket", Key="cut.txt", Body=DATA)
    where = urlsplit(store.meta.endpoint_url)
    with between(str(where.hostname), where.port or 0) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        proxy.cuts, proxy.always = [10_000_000, 10_000_000], 300_000
        with pytest.raises(DownloadError, match=r"s3://bucket/cut\.txt: the connection was cut after 2,000,000 of 4,"):
            find(["s3://bucket/cut.txt"])
        assert list(own_cache.rglob("*.text")) == []
        [partial] = own_cache.rglob(".*.partial")
        assert partial.read_bytes() == DATA[:2_000_000]
        proxy.always = None
        [source] = find(["s3://bucket/cut.txt"])
    assert read(source) == DATA
    assert list(own_cache.rglob(".*.partial")) == []
