"""A damaged file of a stranger's is read, or refused in one line, within memory that its size bounds."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.foreign.damaging import Damaged
from tests.foreign.makers import ALPHABET
from understudy.errors import ModelFileError
from understudy.foreign.importing import import_weights
from understudy.text.vocabulary import Vocabulary

LARGEST = 1 << 23
"""Bytes of memory for files of less than 50 kilobytes; intact ones take about one megabyte."""
MEASURED = 10
"""The memory of every tenth is measured, which takes several times as long as reading."""


def check_damaged(folder: Path, seed: int, count: int) -> None:
    damaged = Damaged(folder, seed)
    read = 0
    for number in range(count):
        path = damaged.write()
        if number % MEASURED == 0:
            tracemalloc.start()
        try:
            model = import_weights(path, vocabulary=ALPHABET).model
        except ModelFileError as error:
            line = str(error)
            assert line.startswith(f"{path}: ")
            assert line.isprintable()
            assert len(line) < 1500
        else:
            read += 1
            assert model.vocabulary == Vocabulary.of_text(ALPHABET)
            for name, shape in model.config.shapes().items():
                assert model.tensors[name].shape == shape
                assert np.isfinite(model.tensors[name]).all()
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < LARGEST, path
    assert 0.1 < read / count < 0.7  # much of a file is not looked at: optimisers' numbers, what lies between the parts


@pytest.mark.parametrize("seed", range(2))
def test_damaged_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    check_damaged(tmp_path, seed, 120)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 20))
def test_ten_thousand_damaged_files_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    check_damaged(tmp_path, seed, 1000)
