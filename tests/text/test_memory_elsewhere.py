"""The memory that a text from elsewhere takes does not grow with it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.text.web_server import serving

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process takes is read as Linux tells it")
SMALL, LARGE, GIGABYTE = 32 << 20, 96 << 20, 10**9
"""The small one is large enough for everything that has a bound to have come near to it."""
LINE = b'{"text": "some line of a text, neither long nor short, number %09d\\n"}\n'
PROGRAM = """
import resource, sys
from understudy.runs.material import TextOptions, prepare
options = TextOptions((sys.argv[1],), text_field=sys.argv[2])
print(prepare(options, 0.1).survey.length, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def json_lines(path: Path, size: int) -> None:
    with zstd.open(path, "wb") as file:
        for block in blocks(size):
            file.write(b"".join(map(LINE.__mod__, block)))


def plain(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for block in blocks(size):
            file.write(b"".join(map(LINE.__mod__, block)))


def table(path: Path, size: int) -> None:
    schema = arrow.schema([("text", arrow.string()), ("more", arrow.string())])
    with parquet.ParquetWriter(path, schema, use_dictionary=False, compression="none") as writer:
        for block in blocks(size):
            texts = [f"some line of a text, neither long nor short, number {number:09d}\n" for number in block]
            writer.write_table(arrow.table({"text": texts, "more": texts}, schema), row_group_size=1 << 20)


def blocks(size: int) -> Iterator[range]:
    """Numbers of lines, for so many bytes of them in all."""
    count = size // len(LINE % 0)
    return (range(first, min(first + 500_000, count)) for first in range(0, count, 500_000))


def peak(path: Path, cache: Path, field: str) -> tuple[int, int]:
    """How many symbols there are, and how many bytes a process took that fetched, read and encoded them."""
    with serving() as web, path.open("rb") as file:
        size = path.stat().st_size
        web.big = (size, lambda start, end: os.pread(file.fileno(), end - start, start))
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"{web.address}/big", field],
            env={**os.environ, "UNDERSTUDY_CACHE": str(cache), "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    symbols, most = map(int, ended.stdout.split())
    return symbols, most


def grown(make: Callable[[Path, int], None], size: int, tmp_path: Path) -> int:
    """How many bytes more the large text takes than the small one."""
    taken = []
    for name, most in (("small", SMALL), ("large", size)):
        path = tmp_path / name
        make(path, most)
        try:
            symbols, most_memory = peak(path, tmp_path / f"cache-{name}", "" if make is plain else "text")
        finally:
            path.unlink()
            shutil.rmtree(tmp_path / f"cache-{name}", ignore_errors=True)
        assert symbols > 0.7 * most
        taken.append(most_memory)
    return taken[1] - taken[0]


@pytest.mark.slow
def test_a_text_is_fetched_read_and_encoded_in_bounded_memory(tmp_path: Path) -> None:
    assert grown(plain, LARGE, tmp_path) < (LARGE - SMALL) // 2


@pytest.mark.slow
@pytest.mark.parametrize("make", [plain, json_lines, table], ids=["plain", "json-lines", "parquet"])
def test_so_is_a_gigabyte(
    make: Callable[[Path, int], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = grown(make, GIGABYTE, tmp_path)
    with capsys.disabled():
        print(f"\n{make.__name__}: {more / 1e6:.0f} MB more for a gigabyte", end="")
    assert more < 300 << 20
