"""The functions of Portable 1 in NumPy, every operation rounded by itself (docs/portable.md)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
LEVELS, STATE_LEVELS = 127, 64
"""Whole numbers that stand for the largest weight of a row, and for 1 in the state. Some processors (x86 without VNNI)
add the products of two neighbours in 16 bits before they go on in 32: 2 · 2 · 127 · 64 fits, so that they compute what
all others do. The state is given the fewer levels, because its rounding is noise, a weight's stays the same for ever:
the loss shows it less (benchmarks/RESULTS.md)."""

_FARTHEST = np.float32(9)
"""Beyond it tanh is 1 in float32."""
_ABOVE, _BELOW = (
    [np.float32(float.fromhex(number)) for number in numbers]
    for numbers in (
        ("0x1.cadb14p-27", "0x1.59c2bp-16", "0x1.ca2c2ap-9", "0x1.120b12p-3", "0x1p+0"),
        ("0x1.a17f0cp-21", "0x1.5885aep-12", "0x1.a7f7c8p-6", "0x1.de5ad2p-2", "0x1p+0"),
    )
)
_LEAST = -709.0
"""There the exponential is 0: 2^-1023, which is no normal number, counts as that."""
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_WHOLE = float.fromhex("0x1.8p+52")
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
_TAYLOR = [1 / math.factorial(n) for n in reversed(range(14))]


def held(x: NDArray[Any], least: Any, most: Any) -> NDArray[Any]:
    """What x is between two numbers; what is not a number becomes `least`."""
    above = np.where(x > least, x, least)
    return np.where(above < most, above, most)


def tanh(x: Floats) -> Floats:
    """The hyperbolic tangent: a quotient of polynomials, fitted to the least greatest error."""
    x = held(x, -_FARTHEST, _FARTHEST)
    t = x * x
    above, below = _ABOVE[0] * t + _ABOVE[1], _BELOW[0] * t + _BELOW[1]
    for p, q in zip(_ABOVE[2:], _BELOW[2:], strict=True):
        above, below = above * t + p, below * t + q
    return held((x * above) / below, np.float32(-1), np.float32(1))


def sigmoid(x: Floats) -> Floats:
    """The logistic function, 1 / (1 + e^-x), made of `tanh`."""
    half = np.float32(0.5)
    return tanh(x * half) * half + half


def exponential(x: Doubles) -> Doubles:
    """e^x for x ≤ 0, and 0 where that is under about e^-708.7 or x is not a number."""
    x = np.where(x > _LEAST, x, _LEAST)
    k = (x * _LOG2_E + _WHOLE) - _WHOLE
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    y = np.full_like(x, _TAYLOR[0])
    for coefficient in _TAYLOR[1:]:
        y = y * r + coefficient
    power = np.where(k > -1023, np.ldexp(1.0, k.astype(np.int32)), 0.0)
    return y * power


def whole(x: Floats, levels: int = STATE_LEVELS) -> Floats:
    """The whole numbers that stand for a state's numbers between -1 and 1, as float32."""
    scaled: Floats = held(x * np.float32(levels), np.float32(-levels), np.float32(levels))
    return np.rint(scaled)
