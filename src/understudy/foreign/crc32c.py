"""The checksum of TensorFlow's bundles: CRC-32C (Castagnoli; RFC 3720, appendix B.4), many stretches side by side."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
"""Castagnoli's, the lowest bit first."""
_MASK_DELTA = 0xA282EAD8
_STRETCHES = 2048
_ONES = 0xFFFFFFFF


def masked(checksum: int) -> int:
    """The form in which LevelDB and TensorFlow store a checksum, so that one of stored ones is no weak one."""
    return (((checksum >> 15) | (checksum << 17)) + _MASK_DELTA) & _ONES


def crc32c(data: bytes) -> int:
    """The checksum of `data`.

    The checksum without its two inversions is linear, so stretches of equal length are summed side by side, each from
    zero, and joined: that of two stretches is the first one's, moved on by the length of the second, and the second's.
    """
    length = len(data) // _STRETCHES
    checksum = _ONES
    if length:
        stretches = np.frombuffer(data, np.uint8, length * _STRETCHES).reshape(_STRETCHES, length)
        moved = _moved_on(length)
        for part in _side_by_side(stretches).tolist():
            checksum = _applied(moved, checksum) ^ part
    table = _table().tolist()
    for byte in data[length * _STRETCHES :]:
        checksum = table[(checksum ^ byte) & 0xFF] ^ (checksum >> 8)
    return checksum ^ _ONES


@cache
def _table() -> NDArray[np.uint32]:
    """The checksum of each byte, shape (256,)."""
    rows = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        rows = np.where(rows & 1, (rows >> 1) ^ np.uint32(_POLYNOMIAL), rows >> 1).astype(np.uint32)
    return rows


def _side_by_side(stretches: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The sums of stretches, shape (stretches, length), each from zero, shape (stretches,)."""
    table, sums = _table(), np.zeros(len(stretches), np.uint32)
    for column in np.ascontiguousarray(stretches.T):
        sums = table[(sums ^ column) & 0xFF] ^ (sums >> 8)
    return sums


def _moved_on(length: int) -> list[int]:
    """What each bit of a sum becomes when so many zero bytes follow, by squaring."""
    one_byte = [int(_table()[1 << bit]) if bit < 8 else 1 << (bit - 8) for bit in range(32)]
    result, power = [1 << bit for bit in range(32)], one_byte
    while length:
        if length & 1:
            result = [_applied(power, column) for column in result]
        power = [_applied(power, column) for column in power]
        length >>= 1
    return result


def _applied(matrix: list[int], vector: int) -> int:
    """The product of a matrix of bits, given by its columns, and a vector of bits."""
    product, bit = 0, 0
    while vector:
        if vector & 1:
            product ^= matrix[bit]
        vector >>= 1
        bit += 1
    return product
