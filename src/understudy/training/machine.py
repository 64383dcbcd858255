"""What this machine has: devices, number types, versions, threads."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch

from understudy.generation.portable import compiled as portable
from understudy.model.cores import cores
from understudy.model.gpu import use_gpu
from understudy.model.recurrence import LayerWeights, compiled, recurrence_for
from understudy.ranks.contract import Ranks
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
        fast = torch.cuda.is_bf16_supported() if device == "cuda" else compiled.multiplies_bfloat16()
        precision = "bfloat16" if fast else "float32"
    else:
        precision = recipe.precision
    return recipe.with_settings(device=device, precision=precision)


def use_threads(wanted: int | None) -> None:
    """Set the number of threads that PyTorch and the kernels use: so many, or no more than this process has cores."""
    if wanted is not None or cores() < torch.get_num_threads():
        torch.set_num_threads(wanted or cores())


def share_cores(ranks: Ranks, wanted: int | None) -> None:
    """Give each of many processes its share of its host's cores, where the user does not say how many it has."""
    share = ranks.threads()
    if share is not None and wanted is None:
        torch.set_num_threads(min(cores(), share))


def matrix_rate(recipe: Recipe) -> float:
    """Operations a second of a large matrix product, in a tenth of a second."""
    size, kind = 1024, getattr(torch, recipe.precision)
    a = torch.ones(size, size, dtype=kind, device=recipe.device)
    return _best_rate(lambda: torch.mm(a, a), 2 * size**3, recipe.device)


@torch.no_grad()
def step_rate(recipe: Recipe) -> float:
    """Operations a second of the steps of an LSTM of 512 units and 32 lanes, there, in a tenth of a second.

    What a recurrence reaches of `matrix_rate`, its equations included.
    """
    H, B, T = 512, 32, 16
    kind, device = getattr(torch, recipe.precision), torch.device(recipe.device)
    recurrence = recurrence_for("lstm", device)
    zeros = [torch.zeros(shape, device=device) for shape in ((4 * H, 1), (4 * H, H), (4 * H,), (4 * H,))]
    inputs, state = torch.zeros(T, B, 1, device=device), (torch.zeros(B, H, device=device),) * 2
    weights = LayerWeights(*zeros)
    return _best_rate(lambda: recurrence(inputs, weights, state, kind), 8 * H * H * B * T, recipe.device)


def _best_rate(work: Callable[[], object], operations: int, device: str) -> float:
    rates: list[float] = []
    began = time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - began < 0.1:
        before = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        rates.append(operations / (time.perf_counter() - before))
    return max(rates)


def environment(device: str, processes: int) -> dict[str, Any]:
    """Versions, threads, processes, on a CPU the kernels' path: what the last bit of a result may depend on."""
    found = {
        "understudy": version("understudy"),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "processes": processes,
    }
    return found if device == "cuda" else {**found, "kernels": compiled.path()}


def described() -> dict[str, Any]:
    """What this machine is to Understudy; its rates are measured, each in a tenth of a second.

    Raises:
        ConfigError: `UNDERSTUDY_KERNELS` names what is not to be had here.
    """
    recipe = settled(Recipe(device="auto", precision="auto"))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "processor": _processor(),
        "instructions": compiled.instructions(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": _memory(),
        "kernels": compiled.described(),
        "writing": f"Portable 1, {portable.described(portable.path())}",
        "number_type": recipe.precision,
        "matrix_rate": matrix_rate(recipe),
        "step_rate": step_rate(recipe),
        "gpu": gpu,
        "versions": {
            "understudy": version("understudy"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy")},
        },
    }


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    """Bytes of memory, where the system tells."""
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
