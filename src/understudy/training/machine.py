"""What this machine has: devices, number types, versions, threads."""

import os
from importlib.metadata import version
from typing import Any, Literal

import torch

from understudy.errors import ConfigError
from understudy.training.recipe import Recipe


def settled(recipe: Recipe) -> Recipe:
    """The recipe with `auto` replaced by what this machine has.

    Raises:
        ConfigError: a GPU is asked for and there is none.
    """
    device = recipe.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: PyTorch finds no CUDA device here; use --device cpu")
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


def environment() -> dict[str, Any]:
    """Versions and threads, on which the last bit of a result may depend."""
    return {
        "understudy": version("understudy"),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }
