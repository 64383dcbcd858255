"""What is packed is known by its first bytes, and is told of in one line where it is damaged."""

import bz2
import gzip
import io
import lzma
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.text.helpers import complaint, read, write
from understudy.errors import MissingExtraError
from understudy.text.corpus import Corpus, survey
from understudy.text.source import find

zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
TEXT = "".join(f"Zeile {number}: Füße\n" for number in range(4_000)).encode()
Pack = Callable[[bytes], bytes]
CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
PACKS: dict[str, Pack] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "Zstandard": lambda data: bytes(zstd.compress(data, options=CHECKED)),
}
every_form = pytest.mark.parametrize("form", PACKS)


@every_form
@pytest.mark.parametrize("name", ["a.txt", "a.gz", "a.zst"])
def test_the_name_says_nothing(form: str, name: str, tmp_path: Path, open_files: None) -> None:
    [source] = find([write(tmp_path / name, PACKS[form](TEXT))])
    assert [read(source), read(source)] == [TEXT, TEXT]


@pytest.mark.parametrize("name", ["a.zst", "a.xz", "a.bz2"])
def test_a_plain_text_is_not_unpacked_for_its_name(name: str, tmp_path: Path) -> None:
    [source] = find([write(tmp_path / name, TEXT)])
    assert read(source) == TEXT


@every_form
def test_standard_input_is_unpacked(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PACKS[form](TEXT))))
    [source] = find(["-"])
    assert [read(source), read(source)] == [TEXT, TEXT]


@every_form
def test_several_streams_one_after_another_are_one_text(form: str, tmp_path: Path) -> None:
    [source] = find([write(tmp_path / "a", PACKS[form](TEXT) + PACKS[form](b"more"))])
    assert read(source) == TEXT + b"more"


@every_form
@pytest.mark.parametrize("share", [0.3, 0.999])
def test_one_that_was_cut_short_is_told_in_one_line(form: str, share: float, tmp_path: Path, open_files: None) -> None:
    packed = PACKS[form](TEXT)
    said = complaint(Corpus(find([write(tmp_path / "a.txt", packed[: int(len(packed) * share)])])))
    assert said.startswith(f"{tmp_path / 'a.txt'}: the {form} file is damaged: ")
    assert said.isprintable()


@every_form
def test_one_with_a_wrong_byte_is_told_in_one_line(form: str, tmp_path: Path) -> None:
    packed = bytearray(PACKS[form](TEXT))
    for place in range(len(packed) // 2, len(packed) // 2 + 8):
        packed[place] ^= 0x5A
    said = complaint(Corpus(find([write(tmp_path / "a.txt", bytes(packed))])))
    assert f"the {form} file is damaged: " in said
    assert said.isprintable()


@every_form
def test_what_follows_the_end_and_is_nothing_is_damage(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", PACKS[form](TEXT) + b"something else, and enough of it")
    assert f"the {form} file is damaged: " in complaint(Corpus(find([path])))


@pytest.mark.parametrize(
    "data", [b"BZh9 is the name of a format", b"BZh", b"(\xb5", b"\xfd7z", b"P*M", b"PAR1", b"PAR1 x"]
)
def test_what_only_begins_like_a_packed_file_is_a_text(data: bytes, tmp_path: Path) -> None:
    [source] = find([write(tmp_path / "a.txt", data)])
    assert read(source) == data


def test_xz_may_be_padded_with_zeros(tmp_path: Path) -> None:
    [source] = find([write(tmp_path / "a", lzma.compress(TEXT) + bytes(8) + lzma.compress(b"more") + bytes(4))])
    assert read(source) == TEXT + b"more"


@every_form
def test_what_unpacks_to_very_much_takes_little_memory(form: str, tmp_path: Path) -> None:
    packed = PACKS[form](b"a" * (1 << 25))
    corpus = Corpus(find([write(tmp_path / "a", packed)]))
    tracemalloc.start()
    try:
        length = survey(corpus, "bytes").length
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert length == 1 << 25
    assert peak < 1 << 24  # the dictionary of xz is half of it


def test_without_what_unpacks_zstandard_the_command_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("compression", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    [source] = find([write(tmp_path / "a.txt", zstd.compress(TEXT))])
    with pytest.raises(MissingExtraError, match=r"a\.txt: packed with Zstandard.*pip install 'understudy\[zstd\]'"):
        source.open()
