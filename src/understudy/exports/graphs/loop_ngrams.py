"""What n-grams add to a character's vector, as nodes of an ONNX graph: the equations of `model/ngrams.py`."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from understudy.exports.graphs.nodes import Nodes
from understudy.generation.sampling import Floats
from understudy.model.config import HASH_BASE, HASH_PRIME, NGRAM_LENGTHS, ModelConfig


def ngram_vectors(nodes: Nodes, config: ModelConfig, table: Floats, codes: NDArray[np.int64]) -> str:
    """Add nodes that read `id` (B,) and `recent` (B, RECENT); they give `recent_next`, and the name returned, (B, D).

    A stream's sums are made in the same order beside others as alone: a product for each stream, where ReduceSum's
    order depends on the batch.
    """
    op, longest = nodes.op, max(NGRAM_LENGTHS)

    def number(name: str, *values: int) -> str:
        return nodes.constant(name, np.array(values, np.int64))

    column = number("column", 1)
    code = op("Gather", [nodes.constant("codes", np.asarray(codes, np.int64)), "id"], "code")
    before = op("Cast", ["recent"], "codes_before", to=TensorProto.INT64)
    last = op("Concat", [before, op("Unsqueeze", [code, column], "code_column")], "last_codes", axis=1)
    kept = op("Slice", [last, column, number("end", longest), column], "codes_kept")
    op("Cast", [kept], "recent_next", to=TensorProto.FLOAT)
    factors = number("factors", *(pow(HASH_BASE, back, HASH_PRIME) for back in reversed(range(longest))))
    axis = nodes.constant("second_axis", np.array(1, np.int64))
    sums = op("CumSum", [op("Mul", [last, factors], "terms"), axis], "hashes_of_all", reverse=1)
    places = number("length_places", *(longest - length for length in NGRAM_LENGTHS))
    hashes = op("Gather", [sums, places], "hashes", axis=1)
    within = op(
        "Mod", [op("Mod", [hashes, number("prime", HASH_PRIME)], "residues"), number("rows", config.ngrams)], "within"
    )
    firsts = number("first_rows", *(place * config.ngrams for place in range(len(NGRAM_LENGTHS))))
    found = op("Gather", [nodes.constant("ngrams", table), op("Add", [within, firsts], "ngram_rows")], "found")
    ones = nodes.constant("ones", np.ones((1, len(NGRAM_LENGTHS)), np.float32))
    return op("Squeeze", [op("MatMul", [ones, found], "summed_row"), column], "summed")
