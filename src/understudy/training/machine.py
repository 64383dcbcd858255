"""What this machine has: devices, number types, versions, threads."""

import os
import time
from importlib.metadata import version
from typing import Any, Literal

import torch

from understudy.model.gpu import use_gpu
from understudy.training.recipe import Recipe


def settled(recipe: Recipe) -> Recipe:
    """The recipe with `auto` replaced by what this machine has.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    device = recipe.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        use_gpu()
    precision: Literal["float32", "bfloat16"]
    if recipe.precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device == "cuda" else _cpu_multiplies_bfloat16()
        precision = "bfloat16" if fast else "float32"
    else:
        precision = recipe.precision
    return recipe.with_settings(device=device, precision=precision)


def _cpu_multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16 products (AVX-512-bf16 or AMX)."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in checks)


def matrix_rate(recipe: Recipe) -> float:
    """Operations a second of a large matrix product, in a tenth of a second."""
    size, kind = 1024, getattr(torch, recipe.precision)
    a = torch.ones(size, size, dtype=kind, device=recipe.device)
    rates: list[float] = []
    began = time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - began < 0.1:
        before = time.perf_counter()
        torch.mm(a, a)
        if recipe.device == "cuda":
            torch.cuda.synchronize()
        rates.append(2 * size**3 / (time.perf_counter() - before))
    return max(rates)


def environment() -> dict[str, Any]:
    """Versions and threads, on which the last bit of a result may depend."""
    return {
        "understudy": version("understudy"),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }
