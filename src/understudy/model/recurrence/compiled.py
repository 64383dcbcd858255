"""The compiled kernels of `kernels/`, where the package was built with a C compiler at hand.

They need nothing of Python, so they are called through ctypes. Threads are those of the OpenMP that PyTorch runs on,
where it is one that can be called from C: a second pool would fight with it for the cores.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from understudy.model.config import Cell
from understudy.model.cores import Left
from understudy.model.paths import CHOICE, chosen

OFF = "off"
_WORDS = {"avx512": "AVX-512", "avx2": "AVX2", "neon": "NEON"}
_SETS = {"avx512": 1, "avx2": 4, "neon": 8}
_BFLOAT16 = 2
_PLAIN = "plain"
_OF_WRITING = {"avx512-vnni": "avx512", "numpy": OFF}
"""What writing calls paths that training does not tell apart."""
_NAMES = {torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}
# fmt: off
_ADDRESSES = (
    "parallel", "thread", "team", "ids", "source", "bias", "product", "weight", "panels", "hidden", "last", "carried",
    "gates", "d_outputs", "d_carried", "d_gates", "d_inputs", "d_table", "d_bias", "arriving",
)
# fmt: on


class _Layer(ctypes.Structure):
    """`Layer` of kernels.c."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("lanes", "units", "keeps", "steps", "threads")),
        *((name, ctypes.c_void_p) for name in _ADDRESSES),
    ]


_NUMBER, _POINTER = ctypes.c_int64, ctypes.c_void_p
_LEFT = Left()
TILE = 64
"""What the units must be a multiple of for `tiles_serve`."""
Step = Callable[[int, Tensor], None]
"""The elementwise half of step t, given t and the product of this step."""


class Kernels:
    """The kernels of one cell and one type, bound to the tensors of one layer and one sequence."""

    def __init__(self, cell: Cell, products: torch.dtype, lanes: int, units: int, *, keeps: bool) -> None:
        """Prepare for a sequence; the tensors follow through `use`.

        Args:
            cell: whose equations.
            products: the type of the products: with bfloat16 the kernels carry and compute in float32.
            lanes: B.
            units: H.
            keeps: whether the way back will follow.
        """
        threads = _LEFT.threads(torch.get_num_threads())
        self._layer = _Layer(lanes, units, int(keeps), 0, threads, *_openmp())
        self._tensors: dict[str, Tensor] = {}
        self._cell, self._type = cell, _NAMES[products]
        self._tiles = path() if tiles_serve(products, units) else None

    @property
    def whole(self) -> bool:
        """Whether they do whole sequences, with products of their own; see `tiles_serve`."""
        return self._tiles is not None

    def use(self, **tensors: Tensor | None) -> None:
        """Bind tensors to the names that kernels.c gives them.

        Raises:
            ValueError: one is not contiguous.
        """
        for name, tensor in tensors.items():
            if tensor is None:
                continue
            if not tensor.is_contiguous():
                raise ValueError(f"{name} must be contiguous")
            self._tensors[name] = tensor
            setattr(self._layer, name, tensor.data_ptr())

    def step(self, way: str) -> Step:
        """The function for one step "forward" or "backward"."""
        function = _function(f"{self._cell}_{way}_step_{self._type}", _POINTER, _NUMBER, _POINTER)
        address = ctypes.addressof(self._layer)

        def step(t: int, product: Tensor) -> None:
            assert self._tensors  # they, and what lies at the address, live as long as this function
            function(address, t, product.data_ptr())

        return step

    def forward_sequence(self, steps: int) -> None:
        """All steps of the way there, where they do whole sequences."""
        function = _function(f"{self._cell}_forward_sequence_{self._type}_{self._tiles}", _POINTER, _NUMBER)
        function(ctypes.addressof(self._layer), steps)

    def backward_sequence(self, steps: int, arriving: Tensor) -> None:
        """All steps of the way back, given what the state after the last one gets, (B, H)."""
        function = _function(f"{self._cell}_backward_sequence_{self._type}_{self._tiles}", _POINTER, _NUMBER, _POINTER)
        function(ctypes.addressof(self._layer), steps, arriving.data_ptr())


def path() -> str:
    """The path that computes the recurrences: the best that this processor has, or the one `UNDERSTUDY_KERNELS` names.

    "avx512", "avx2" and "neon" make the products of whole sequences themselves; "plain" leaves them to PyTorch, one a
    step; "off" leaves all to PyTorch's modules.

    Raises:
        ConfigError: it names none, or one that is not to be had here.
    """
    return chosen(_paths(), _OF_WRITING)


def tiles_serve(products: torch.dtype, units: int) -> bool:
    """Whether a sequence's matrix products can be made in the kernels, a tile at a time between the elementwise work.

    For bfloat16 the processor needs AVX-512's instructions for it; where there is AMX, oneDNN's are faster.
    """
    return units % TILE == 0 and products in _tile_types(path())


def kept_type(products: torch.dtype) -> torch.dtype:
    """The type in which gates are kept for the way back."""
    return torch.int16 if products == torch.bfloat16 else products


def available() -> bool:
    """Whether the kernels were built, can be loaded, and are wanted."""
    return path() != OFF


def described() -> str:
    """What computes the recurrences on this machine's CPU, in words.

    Raises:
        ConfigError: `UNDERSTUDY_KERNELS` names what is not to be had here.
    """
    taken = path()
    if taken == OFF:
        if _library() is not None:
            return f"PyTorch's modules ({CHOICE} is {os.environ[CHOICE]})"
        reason = "none were built, as a C compiler does on installing" if _file() is None else "they cannot be loaded"
        return f"PyTorch's modules (no compiled kernels: {reason})"
    if taken == _PLAIN:
        level = {4: ", x86-64-v4 (AVX-512)", 3: ", x86-64-v3 (AVX2)"}.get(getattr(_library(), "level", int)(), "")
        return f"compiled kernels{level}, products by PyTorch"
    if torch.bfloat16 in _tile_types(taken):
        return f"compiled kernels: {_WORDS[taken]} with bfloat16 tiles"
    amx = ", bfloat16 by oneDNN with AMX" if _amx() and taken == "avx512" else ""
    return f"compiled kernels: {_WORDS[taken]} tiles (float32){amx}"


def multiplies_bfloat16() -> bool:
    """Whether the path that is taken has instructions for bfloat16 products (AVX-512's, or AMX)."""
    if path() in ("avx2", "neon"):
        return False
    return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))


def instructions() -> str:
    """What the processor has of the instructions that matter here, as PyTorch sees them: "AVX-512, VNNI, bfloat16"."""
    capability = torch.backends.cpu.get_cpu_capability()
    known = {"AVX512": "AVX-512", "DEFAULT": "none beyond the ordinary ones"}
    more = (
        ("VNNI", "_is_vnni_supported"),
        ("bfloat16", "_is_avx512_bf16_supported"),
        ("AMX", "_is_amx_tile_supported"),
    )
    return ", ".join(
        [known.get(capability, capability), *(name for name, asked in more if getattr(torch.cpu, asked, bool)())]
    )


def _file() -> str | None:
    """The file of the kernels, if there is one."""
    spec = find_spec("understudy.model.recurrence._kernels")
    return None if spec is None else spec.origin


@cache
def _library() -> ctypes.CDLL | None:
    origin = _file()
    if origin is None:
        return None
    try:
        return ctypes.CDLL(origin)
    except OSError:
        return None


@cache
def _function(name: str, *arguments: Any) -> Any:
    function = getattr(_library(), name)
    function.argtypes, function.restype = arguments, None
    return function


@cache
def _paths() -> tuple[str, ...]:
    """The paths that this machine has, the best first."""
    library = _library()
    if library is None:
        return (OFF,)
    found = library.sets()
    return (*(name for name, bit in _SETS.items() if found & bit), _PLAIN, OFF)


@cache
def _tile_types(taken: str) -> tuple[torch.dtype, ...]:
    """The types of products that a path makes itself."""
    if taken not in _SETS:
        return ()
    both = taken == "avx512" and bool(_library().sets() & _BFLOAT16) and not _amx()  # type: ignore[union-attr]
    return (torch.float32, torch.bfloat16) if both else (torch.float32,)


def _amx() -> bool:
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)())


@cache
def _openmp() -> tuple[int | None, int | None, int | None]:
    """The addresses of OpenMP's functions in the order of `Layer`, which PyTorch makes known to all, or of nothing."""
    shared = ctypes.CDLL(None)
    try:
        functions = shared.GOMP_parallel, shared.omp_get_thread_num, shared.omp_get_num_threads
    except AttributeError:  # another OpenMP, or none
        return None, None, None
    return tuple(ctypes.cast(function, ctypes.c_void_p).value for function in functions)  # type: ignore[return-value]
