"""Portable 1 in the compiled library of `runtime/`, where the package was built with a C compiler at hand.

It needs nothing of Python, so it is called through ctypes, which lets other threads go on meanwhile.
"""

import ctypes
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.generation.portable.arithmetic import Floats
from understudy.model.paths import chosen

_PATHS = {"avx512-vnni": 4, "avx512": 3, "avx2": 2, "neon": 1, "plain": 0}
_FUSED = {2: 5, 3: 6, 4: 6}
PLAIN = _PATHS["plain"]
_WORDS = {"avx512-vnni": "AVX-512 with VNNI", "avx512": "AVX-512", "avx2": "AVX2", "neon": "NEON", "plain": "plain C"}
_NUMPY = "numpy"
_OF_TRAINING = {"off": _NUMPY}
"""What training calls the way without what was compiled (`understudy.model.recurrence.compiled`)."""
_ALIGNMENT = 64
BLOCK = 16
"""Rows that lie together in a matrix as the library reads it."""
_LEAST_SCALE = np.float32(2.0**-100)


class CMatrix(ctypes.Structure):
    """`Matrix` of paths.h."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("numbers", "scales", "bias", "corrections")]


class CModel(ctypes.Structure):
    """`Model` of parts.h."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("path", "whole", "lstm", "embedded", "V", "E", "H", "L", "R", "D")),
        *((name, ctypes.c_void_p) for name in ("inputs", "input_scales")),
        ("input", CMatrix),
        *((name, ctypes.c_void_p) for name in ("input_bias", "codes", "table", "table_scales", "ngram_weight")),
        ("layers", ctypes.POINTER(CMatrix)),
    ]


class CForbidden(ctypes.Structure):
    """`Forbidden` of forbidden.h."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("length", "count")),
        *((name, ctypes.c_void_p) for name in ("hashes", "before", "stuck")),
        ("base", ctypes.c_uint64),
    ]


class CRun(ctypes.Structure):
    """`Run` of parts.h."""

    _fields_ = [
        ("model", ctypes.POINTER(CModel)),
        *((name, ctypes.c_int64) for name in ("T", "B", "threads")),
        *((name, ctypes.c_void_p) for name in ("given", "uniforms", "choices", "logits")),
        ("state", ctypes.POINTER(ctypes.c_void_p)),
        *((name, ctypes.c_void_p) for name in ("ids", "every_logits", "every_hidden")),
        ("forbidden", ctypes.POINTER(CForbidden)),
        ("work", ctypes.c_void_p),
    ]


def aligned(size: int) -> NDArray[np.uint8]:
    """Memory of that many bytes, which begins where a cache line does."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT
    return memory[first : first + size]


def arranged_bytes(rows: int, inner: int, *, whole: bool) -> int:
    """Bytes that a segment of a matrix takes as every path reads it."""
    return int(_library().arranged_bytes(whole, rows, inner))


def arrange(path: int, rows: NDArray[Any], to: NDArray[np.uint8], corrections: NDArray[np.int32]) -> None:
    """Lay a segment's rows (N, K) out as a path reads them, and say what is taken away from each row's sums."""
    whole = rows.dtype == np.int8
    _library().arrange(path, whole, *rows.shape, rows.ctypes.data, to.ctypes.data, corrections.ctypes.data)


def run(model: CModel, call: CRun) -> None:
    """Go the steps of a call."""
    library = _library()
    call.model = ctypes.pointer(model)
    work = aligned(library.memory_of(ctypes.byref(call)))
    call.work = work.ctypes.data
    library.run_streams(ctypes.byref(call))


def folded(embedding: Floats, weight: Floats, bias: Floats) -> Floats:
    """The input products of every symbol, (V, N), from (V, E), (N, E) and (N,): in float64, in the order of E."""
    if not available():
        sums = np.zeros((len(embedding), len(weight)), np.float64)
        for k in range(embedding.shape[1]):
            sums += np.multiply.outer(embedding[:, k].astype(np.float64), weight[:, k].astype(np.float64))
        return (sums + bias.astype(np.float64)).astype(np.float32)
    embedding, weight, bias = (np.ascontiguousarray(part, np.float32) for part in (embedding, weight, bias))
    made = np.empty((len(embedding), len(weight)), np.float32)
    columns = np.empty((embedding.shape[1], BLOCK), np.float32)
    places = [part.ctypes.data for part in (embedding, weight, bias, columns, made)]
    _library().fold(_best(), *embedding.shape, len(weight), *places)
    return made


def quantised(rows: Floats, levels: int) -> tuple[NDArray[np.int8], Floats]:
    """Rows (N, K) as whole numbers from -levels to levels, and each row's scale, (N,)."""
    if not available():
        largest = np.maximum(rows.max(1), -rows.min(1))
        scales = np.maximum(largest / np.float32(levels), _LEAST_SCALE)
        whole = np.clip(np.rint(rows / scales[:, None]), -levels, levels)
        return whole.astype(np.int8), scales
    rows = np.ascontiguousarray(rows, np.float32)
    made, scales = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32)
    _library().quantise(_best(), *rows.shape, levels, rows.ctypes.data, made.ctypes.data, scales.ctypes.data)
    return made, scales


def uniforms(seed: int, start: int, count: int) -> NDArray[np.float64]:
    """Numbers `start` to `start + count - 1` of the sequence that belongs to `seed`, each in (0, 1)."""
    if available():
        drawn = np.empty(count, np.float64)
        _library().uniform_numbers(seed, start, count, drawn.ctypes.data)
        return drawn
    bits = np.random.Philox(key=seed)
    bits.advance(start // 4)
    drawn = np.random.Generator(bits).random(start % 4 + count)[start % 4 :]
    return drawn * (1 - 2.0**-40) + 2.0**-60


def _best() -> int:
    """The best path of the library that this processor has."""
    return next(number for number in _PATHS.values() if _library().path_serves(number))


def path() -> str:
    """The path that writes: the best that this processor has, or the one that `UNDERSTUDY_KERNELS` names.

    Raises:
        ConfigError: it names none, or one that is not to be had here.
    """
    here = [name for name, number in _PATHS.items() if available() and _library().path_serves(number)]
    return chosen((*here, _NUMPY), _OF_TRAINING)


def number_of(name: str) -> int | None:
    """What the library calls a path; None for NumPy's."""
    return _PATHS.get(name)


def fused(number: int) -> int:
    """The path that rounds a product and its sum once in place of another, where there is one: it reads faster."""
    other = _FUSED.get(number)
    return other if other is not None and _library().path_serves(other) else number


def described(name: str) -> str:
    """A path in words."""
    if name != _NUMPY:
        return _WORDS[name]
    if available():
        return "NumPy"
    return f"NumPy: {'nothing was compiled on installing' if _file() is None else 'what was compiled cannot be loaded'}"


def available() -> bool:
    """Whether the library was built and can be loaded."""
    return _loaded() is not None


def _file() -> str | None:
    spec = find_spec("understudy.generation.portable._engine")
    return None if spec is None else spec.origin


def _library() -> ctypes.CDLL:
    library = _loaded()
    assert library is not None
    return library


@cache
def _loaded() -> ctypes.CDLL | None:
    origin = _file()
    if origin is None:
        return None
    try:
        library = ctypes.CDLL(origin)
    except OSError:
        return None
    number, address = ctypes.c_int64, ctypes.c_void_p
    for name, given, result in (
        ("run_streams", [address], None),
        ("memory_of", [address], number),
        ("path_serves", [number], number),
        ("arranged_bytes", [number] * 3, number),
        ("arrange", [*[number] * 4, *[address] * 3], None),
        ("quantise", [*[number] * 4, *[address] * 3], None),
        ("fold", [*[number] * 4, *[address] * 5], None),
        ("uniform_numbers", [ctypes.c_uint64, ctypes.c_uint64, number, address], None),
    ):
        function = getattr(library, name)
        function.argtypes, function.restype = given, result
    return library
