"""The rows of n-grams in a table, by operators that every runtime has: sums and look-ups of whole numbers.

An n-gram's row is (Σ cᵢ · HASH_BASEⁱ mod P) mod R (`model/config.py`), and a remainder is no operator that is found
everywhere. So each term comes out of a table already reduced modulo P = 2³¹ - 1, in three digits, of 11, 10 and 10
bits. Eight digits added up stay small enough to be looked up: what of the sum stays a digit, and what is carried on.
Since 2³¹ is 1 modulo P, what the last digit carries is added to the first; and the sum is P or more exactly where one
more would carry again. Modulo R the digits are looked up once more. All of it is exact.
"""

import numpy as np
from numpy.typing import NDArray

from understudy.exports.graphs.nodes import Nodes
from understudy.model.config import HASH_BASE, HASH_PRIME, NGRAM_LENGTHS

_BITS = (11, 10, 10)
_SHIFTS = (0, 11, 21)
_LONGEST = max(NGRAM_LENGTHS)


def ngram_rows(nodes: Nodes, recent: list[str], codes: NDArray[np.int64], rows: int) -> list[str]:
    """Add nodes that give where an n-gram of each of `NGRAM_LENGTHS` lies among the R rows of its length, (B,) each.

    Args:
        nodes: the graph.
        recent: the last characters (B,), the last one first: ids and one more, or 0 where there is none.
        codes: what stands for each symbol in the hash, (V,).
        rows: R.
    """
    for bits in set(_BITS):
        sums = np.arange(_LONGEST << bits, dtype=np.int64)
        nodes.constant(f"digit{bits}", sums & ((1 << bits) - 1))
        nodes.constant(f"carry{bits}", sums >> bits)
    nodes.constant("one", np.array(1, np.int64))
    for place, (bits, shift) in enumerate(zip(_BITS, _SHIFTS, strict=True)):
        digits = np.arange((1 << bits) + _LONGEST, dtype=np.int64)
        nodes.constant(f"digit{place}_in_rows", (digits << shift) % rows)
    nodes.constant("carry_in_rows", np.array([0, -HASH_PRIME % rows], np.int64))
    nodes.constant("in_rows", np.arange(4 * rows, dtype=np.int64) % rows)
    known = np.concatenate([np.zeros(1, np.int64), np.asarray(codes, np.int64)])
    found: list[str] = []
    sums_of: list[str] = []
    for back, character in enumerate(recent):
        terms = known * pow(HASH_BASE, back, HASH_PRIME) % HASH_PRIME
        digits_of = []
        for place, (bits, shift) in enumerate(zip(_BITS, _SHIFTS, strict=True)):
            table = nodes.constant(f"terms{back}_{place}", (terms >> shift) & ((1 << bits) - 1))
            digits_of.append(nodes.op("Gather", [table, character], f"term{back}_{place}"))
        if back:
            digits_of = [
                nodes.op("Add", [total, digit], f"sum{back}_{place}")
                for place, (total, digit) in enumerate(zip(sums_of, digits_of, strict=True))
            ]
        sums_of = digits_of
        if back + 1 in NGRAM_LENGTHS:
            found.append(_row(nodes, f"ngram{back + 1}", sums_of))
    return found


def _row(nodes: Nodes, name: str, sums: list[str]) -> str:
    """The row of one length, from the sums of the digits."""
    op = nodes.op
    digits, top = _carried(nodes, name, sums)
    digits[0] = op("Add", [digits[0], top], f"{name}_low")
    _, over = _carried(nodes, f"{name}_next", [op("Add", [digits[0], "one"], f"{name}_more"), *digits[1:]], keep=False)
    total = op("Gather", ["carry_in_rows", over], f"{name}_less")
    for place, digit in enumerate(digits):
        part = op("Gather", [f"digit{place}_in_rows", digit], f"{name}_part{place}")
        total = op("Add", [total, part], f"{name}_total{place}")
    return op("Gather", ["in_rows", total], f"{name}_row")


def _carried(nodes: Nodes, name: str, sums: list[str], *, keep: bool = True) -> tuple[list[str], str]:
    """Digits that are digits again, where they are wanted, and what the last one carries."""
    digits, carry = [], ""
    for place, (bits, total) in enumerate(zip(_BITS, sums, strict=True)):
        if carry:
            total = nodes.op("Add", [total, carry], f"{name}_sum{place}")
        if keep:
            digits.append(nodes.op("Gather", [f"digit{bits}", total], f"{name}_digit{place}"))
        carry = nodes.op("Gather", [f"carry{bits}", total], f"{name}_carry{place}")
    return digits, carry
