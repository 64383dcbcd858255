"""The rows of n-grams by look-ups: those of the arithmetic of whole numbers, to the last one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exports.with_onnx import TensorProto, helper, onnxruntime
from understudy.exports.graphs.hashes import ngram_rows
from understudy.exports.graphs.nodes import Nodes
from understudy.model.config import HASH_BASE, HASH_PRIME, LARGEST_CODE, NGRAM_LENGTHS, RECENT


def looked_up(recent: NDArray[np.int64], codes: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """The rows (N, B) that the nodes give for characters (8, B), the last one first: ids and one more, or 0."""
    nodes = Nodes()
    names = [f"recent{back}" for back in range(len(recent))]
    outputs = ngram_rows(nodes, names, codes, rows)
    info = [helper.make_tensor_value_info(name, TensorProto.INT64, ["B"]) for name in (*names, *outputs)]
    graph = helper.make_graph(nodes.nodes, "rows", info[: len(names)], info[len(names) :], nodes.constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack(session.run(None, dict(zip(names, recent, strict=True))))


def row(codes: list[int], rows: int) -> int:
    """By the definition, in Python's own numbers; the codes begin with the last one's."""
    total: int = sum(code * HASH_BASE**back for back, code in enumerate(codes))
    return total % HASH_PRIME % rows


@pytest.mark.parametrize("rows", [1, 7, 1000, 65_536])
def test_rows_are_those_of_the_definition(rows: int) -> None:
    random = np.random.default_rng(rows)
    codes = np.concatenate([random.integers(1, LARGEST_CODE, 60), [1, LARGEST_CODE]])
    recent = random.integers(0, len(codes) + 1, (RECENT + 1, 500))
    recent[:, 0], recent[:, 1] = 0, len(codes)
    known = [0, *map(int, codes)]
    expected = [[row([known[at] for at in column[:length]], rows) for column in recent.T] for length in NGRAM_LENGTHS]
    assert looked_up(recent, codes, rows).tolist() == expected


def codes_with_remainder(remainder: int) -> list[int]:
    """Three codes, the last one first, whose hash is that remainder."""
    random = np.random.default_rng(remainder % 1000)
    while True:
        second, third = (int(code) for code in random.integers(1, LARGEST_CODE, 2))
        first = (remainder - second * HASH_BASE - third * HASH_BASE**2) % HASH_PRIME
        if 1 <= first <= LARGEST_CODE:
            return [first, second, third]


@pytest.mark.parametrize("remainder", [0, 1, 2, 2047, 2048, HASH_PRIME - 2, HASH_PRIME - 1, (1 << 21) - 1, 1 << 21])
def test_remainders_at_the_ends_of_the_digits_are_right(remainder: int) -> None:
    codes = codes_with_remainder(remainder)
    recent = np.zeros((RECENT + 1, 1), np.int64)
    recent[:3, 0] = 1, 2, 3
    for rows in (1 << 11, 49_999):
        found = looked_up(recent, np.array(codes, np.int64), rows)
        assert found[0, 0] == remainder % rows == row(codes, rows)
