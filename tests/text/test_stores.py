"""A real object store on this machine: what lies there gives the ids and the digest that the local files give."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.helpers import all_of
from tests.text.test_documents import lines, table
from understudy.errors import DownloadError, MissingExtraError, TextError, UnderstudyError
from understudy.runs.material import Material, TextOptions, prepare
from understudy.text import cache
from understudy.text.encoded import EncodedText
from understudy.text.source import find, look_up

moto = pytest.importorskip("moto.server", reason="moto is not installed")
boto3 = pytest.importorskip("boto3")
pytest.importorskip("s3fs")
zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
TEXTS = [[f"document {number} of part {part}\nFüße" for number in range(2000)] for part in range(2)]


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    """The store, with a bucket in it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "*")
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client
        client.close()
    server.stop()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def local(store: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of texts that lie in the bucket too; neither is to be changed."""
    folder = tmp_path_factory.mktemp("dir")
    for part, texts in enumerate(TEXTS):
        (folder / f"{part}.jsonl.zst").write_bytes(zstd.compress(lines(texts)))
        table(folder / f"{part}.parquet", texts, row_group_size=300)
    for path in folder.iterdir():
        store.upload_file(str(path), "bucket", f"dir/{path.name}")
    return folder


def learned(*texts: object, **how: Any) -> Material:
    return prepare(TextOptions(tuple(map(str, texts)), **how), 0.1)


def ids(material: Material) -> list[int]:
    return all_of(EncodedText(material.train, material.survey.sha256))


@pytest.mark.parametrize("ending", ["jsonl.zst", "parquet"])
@pytest.mark.parametrize("between", [None, "\n\n"])
def test_it_gives_the_ids_and_the_digest_of_the_local_files(ending: str, between: str | None, local: Path) -> None:
    here = learned(*sorted(local.glob(f"*.{ending}")), between=between)
    there = learned(f"s3://bucket/dir/*.{ending}", between=between)
    assert there.survey.sha256 == here.survey.sha256
    assert np.array_equal(ids(there), ids(here))
    assert (
        there.to_document()
        == here.to_document()
        == learned(*sorted(local.glob(f"*.{ending}")), between=between).to_document()
    )
    assert there.name == "0"


def test_texts_come_in_name_order_under_their_own_addresses(local: Path) -> None:
    assert [source.name for source in find(["s3://bucket/dir/*.parquet"])] == [
        f"s3://bucket/dir/{part}.parquet" for part in range(2)
    ]


def test_what_was_fetched_serves_a_recorded_run_without_the_store(
    local: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "s3://bucket/dir/*.parquet"
    fresh = learned(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    again = TextOptions((name,)).corpus(fresh.survey.length)
    assert prepare(TextOptions((name,)), 0.1, corpus=again).survey.sha256 == fresh.survey.sha256
    next(own_cache.rglob("*.text")).unlink()
    with pytest.raises(TextError, match=r"its copy is no longer in the cache; name it yourself, and it is fetched"):
        look_up([name], recorded=True)


def test_nothing_that_is_only_recorded_is_fetched(local: Path, own_cache: Path) -> None:
    for name in ("s3://bucket/dir/0.parquet", "http://127.0.0.1:1/a.txt", "nonsense://a"):
        with pytest.raises(TextError, match="name it yourself"):
            look_up([name], recorded=True)
    assert list(own_cache.rglob("*.text")) == []


def test_one_of_several_that_were_fetched_is_not_fetched_again(local: Path, own_cache: Path) -> None:
    find(["s3://bucket/dir/*.parquet"])
    before = {path: path.stat().st_ino for path in own_cache.rglob("*.text")}
    find(["s3://bucket/dir/1.parquet"])
    assert {path: path.stat().st_ino for path in own_cache.rglob("*.text")} == before


def test_what_changed_there_is_fetched_again(store: Any, local: Path) -> None:
    store.upload_file(str(local / "0.parquet"), "bucket", "changing.parquet")
    first = learned("s3://bucket/changing.parquet")
    store.upload_file(str(local / "1.parquet"), "bucket", "changing.parquet")
    assert learned("s3://bucket/changing.parquet").survey.sha256 != first.survey.sha256


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("s3://bucket/none.txt", TextError, "there is no such text"),
        ("s3://nobucket/a.txt", TextError, "The specified bucket does not exist"),
        ("s3://nobucket/*.txt", TextError, "there is no bucket nobucket that you may see"),
        ("s3://bucket/dir/*.none", TextError, "no text fits this pattern"),
        ("s3://bucket/dir", TextError, r"a folder; name the texts in it by a pattern, such as s3://bucket/dir/\*\.txt"),
        ("s3://BAD_!/a.txt", TextError, "no address of a text"),
        ("s3://", TextError, "names no text"),
        ("nonsense://a", TextError, r"there are s3://, gs://, hf://, https://"),
        ("file:///etc/hostname", TextError, "lies on this machine; name its path: /etc/hostname"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    address: str, kind: type[UnderstudyError], said: str, local: Path, own_cache: Path
) -> None:
    with pytest.raises(kind, match=said) as raised:
        find([address])
    assert str(raised.value).startswith(f"{address}: ")
    assert str(raised.value).isprintable()
    assert raised.value.exit_status == 2
    assert list(own_cache.rglob("*.text")) == []


def test_without_credentials_it_is_told_where_they_come_from(
    local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(TextError, match=r"may not be read: Unable to locate credentials; .*elsewhere"):
        find(["s3://bucket/dir/0.parquet"])


def test_a_store_that_is_not_there_is_told(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DownloadError, match="cannot be reached: Could not connect") as raised:
        find(["s3://bucket/dir/0.parquet"])
    assert raised.value.exit_status == 1


@pytest.mark.parametrize(("package", "address", "extra"), [("s3fs", "s3://a/b", "s3"), ("gcsfs", "gs://a/b", "gcs")])
def test_without_what_opens_it_the_command_to_install_it_is_told(
    package: str, address: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.registry import _registry

    for scheme in ("s3", "s3a", "gs", "gcs"):
        if scheme in _registry:
            monkeypatch.delitem(_registry, scheme)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'understudy\[{extra}\]'"):
        find([address])


def test_the_hub_is_asked_without_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    with pytest.raises(UnderstudyError):
        find(["hf://"])
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_the_cache_shows_copies_and_forgets_them(local: Path, own_cache: Path) -> None:
    find(["s3://bucket/dir/0.parquet"])
    assert [file.path.suffix for file in cache.kept()].count(".text") == 1
    for path in own_cache.rglob("*.*"):
        os.utime(path, (1, 1))
    cache.forget_old(cache.TEXTS)
    assert list(own_cache.rglob("*.text")) == []
