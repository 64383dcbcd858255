"""A text as ids, and how they are read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.helpers import DIGEST, TEXT, all_of, characters_of, corpus_of, encoded, ended, kept, places_in, started
from understudy.errors import TextError
from understudy.text.catalog import python_prose
from understudy.text.corpus import survey
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary


def test_the_ids_are_those_of_the_vocabulary(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    text = encoded(corpus)
    assert len(text) == len(TEXT)
    assert all_of(text) == places_in(TEXT, characters_of(TEXT))
    assert text.sha256 == survey(corpus, "characters").sha256


def test_bytes_are_their_own_ids(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT), Vocabulary.of_bytes())
    assert all_of(text) == list(TEXT.encode())


def test_a_text_of_several_read_blocks_is_encoded_whole(tmp_path: Path, own_cache: Path) -> None:
    text = TEXT * 1500
    assert len(text.encode()) > 3 << 20
    ids = encoded(corpus_of(tmp_path / "a.txt", text)).ids
    assert np.array_equal(ids.read(0, len(ids)), np.tile(places_in(TEXT, characters_of(TEXT)), 1500))


def test_what_the_vocabulary_lacks_is_left_out(tmp_path: Path, own_cache: Path) -> None:
    corpus = corpus_of(tmp_path / "a.txt", TEXT)
    assert all_of(encoded(corpus, Vocabulary.of_text("Tobe "))) == places_in(TEXT, " Tbeo")
    assert len(encoded(corpus, Vocabulary.of_text("xyz"))) == 0


@pytest.mark.parametrize(("distinct", "width"), [(2, 1), (256, 1), (257, 2), (5000, 2), (65_536, 2), (65_537, 4)])
def test_a_kept_id_takes_the_fewest_bytes(tmp_path: Path, own_cache: Path, distinct: int, width: int) -> None:
    text = "".join(map(chr, range(0x10000, 0x10000 + distinct))) * 2
    ids = encoded(corpus_of(tmp_path / "a.txt", text)).ids
    assert kept(own_cache).stat().st_size == len(text) * width + DIGEST
    assert np.array_equal(ids.read(0, len(ids)), np.tile(np.arange(distinct), 2))


def test_a_kept_byte_takes_one(tmp_path: Path, own_cache: Path) -> None:
    encoded(corpus_of(tmp_path / "a.txt", TEXT), Vocabulary.of_bytes())
    assert kept(own_cache).stat().st_size == len(TEXT.encode()) + DIGEST


# Reading


@given(st.data())
def test_reading_is_slicing(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 255), min_size=1))
    ids = Ids(np.array(values, np.uint8))
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    read = ids.read(start, stop)
    assert read.tolist() == values[start:stop]
    assert read.dtype == np.int64
    part = ids[start:stop]
    assert len(part) == stop - start
    assert part.read(0, len(part)).tolist() == values[start:stop]


@given(st.data())
def test_gathering_is_slicing_side_by_side(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 65_535), min_size=1))
    length = data.draw(st.integers(1, len(values)))
    starts = data.draw(st.lists(st.integers(0, len(values) - length), min_size=1))
    block = Ids(np.array(values, np.uint16)).gather(np.array(starts), length)
    assert block.shape == (length, len(starts))
    assert block.T.tolist() == [values[start : start + length] for start in starts]


def test_slices_of_slices_and_open_slices_are_those_of_a_list() -> None:
    values = list(range(100))
    ids = Ids(np.arange(100, dtype=np.uint8))
    for part, wanted in ((ids[10:90][5:20], values[10:90][5:20]), (ids[:90], values[:90]), (ids[90:], values[90:])):
        assert part.read(0, len(part)).tolist() == wanted


def test_a_mapped_text_reads_the_same_however_often_it_is_given_back(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    wanted = np.array(places_in(TEXT, characters_of(TEXT)))
    starts = np.arange(len(TEXT) - 10)
    windows = np.lib.stride_tricks.sliding_window_view(wanted, 10)[: len(starts)]
    for ids in (text.ids, text.ids[:]):
        for _ in range(3):
            assert np.array_equal(ids.gather(starts, 10).T, windows)


def test_a_mapped_text_outlives_its_file(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT))
    kept(own_cache).unlink()
    assert all_of(text) == places_in(TEXT, characters_of(TEXT))


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error_and_not_the_end(tmp_path: Path, own_cache: Path) -> None:
    text = encoded(corpus_of(tmp_path / "a.txt", TEXT * 20))

    def work() -> None:
        os.truncate(kept(own_cache), 0)
        with pytest.raises(TextError, match="cut short"):
            text.ids[100:].read(0, 100)

    assert ended(started(work)) == 0


# A text larger than memory ought to be

GIGABYTE = 10**9
READ_A_GIGABYTE = """
import json, resource, sys
from pathlib import Path
from understudy.text.batches import Lanes
from understudy.text import cache
from understudy.text.catalog import python_prose
from understudy.text.corpus import Corpus, survey
from understudy.text.encoded import encode
from understudy.text.source import find

page = resource.getpagesize()
baseline = int(Path("/proc/self/statm").read_text().split()[1]) * page
corpus = Corpus(find([sys.argv[1]]))
seen = survey(corpus, "characters")
ids = encode(corpus, seen, seen.vocabulary()).ids
batches = Lanes(ids[: int(0.9 * len(ids))], 64, 1024)
sums = 0
for step in range(batches.per_epoch):
    sums += int(batches[step].inputs.sum())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps([seen.length, batches.characters_per_epoch, sums, baseline, peak]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and ru_maxrss in KiB")
def test_a_gigabyte_of_text_is_read_in_less_than_a_gigabyte_of_memory(
    tmp_path: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = python_prose()
    path = tmp_path / "gigabyte.txt"
    with path.open("wb") as file:
        for _ in range(1000):
            file.write(one.encode())
    assert path.stat().st_size > GIGABYTE
    try:
        reader = subprocess.run(
            [sys.executable, "-c", READ_A_GIGABYTE, str(path)], stdout=subprocess.PIPE, text=True, check=True
        )
    finally:
        path.unlink()
        shutil.rmtree(own_cache, ignore_errors=True)
    length, per_epoch, sums, baseline, peak = json.loads(reader.stdout)
    with capsys.disabled():
        print(f"\n{length / 1e9:.3f} GB of text: {(peak - baseline) / 1e6:.0f} MB above {baseline / 1e6:.0f} MB")
    assert length == 1000 * len(one)
    assert per_epoch == int(0.9 * length - 1) // 64 * 64
    alphabet = {character: place for place, character in enumerate(sorted(set(one)))}
    once = np.array([alphabet[character] for character in one])
    whole, rest = divmod(per_epoch, len(one))
    assert sums == whole * int(once.sum()) + int(once[:rest].sum())
    assert peak - baseline < GIGABYTE
