"""A GPU: whether there is one, and work that is recorded for it once and played again."""

from collections.abc import Callable

import torch

from understudy.errors import ConfigError, GpuError

Play = Callable[[], object]
Record = Callable[[Play, torch.Generator | None], Play]
"""From work on fixed buffers, and the generator that it draws from, to a way to do the work again."""
_WARM = 3
_REGISTERS = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 14)
"""Whether a graph must be told of its generators; later versions find them."""


def use_gpu() -> None:
    """Make sure that there is one, and that what is asked of it in float32 is done in float32, cuDNN's recurrences too.

    Raises:
        ConfigError: there is none, or this process cannot use it.
    """
    check_not_forked()
    if not torch.cuda.is_available():
        raise ConfigError("--device cuda: PyTorch finds no CUDA device here; use --device cpu")
    torch.backends.cudnn.allow_tf32 = False


def check_not_forked() -> None:
    """Make sure that no parent of this process used the GPU before it was forked: CUDA does not serve such a child.

    Raises:
        ConfigError: one did.
    """
    if torch.cuda._is_in_bad_fork():
        raise ConfigError(
            "--device cuda: this process was forked from one that had used the GPU, which CUDA forbids; start it with "
            "multiprocessing's spawn"
        )


def failed(error: RuntimeError, remedy: str) -> GpuError | None:
    """What to raise where a GPU has failed at its work; None where the error is another, or memory is short."""
    if not isinstance(error, torch.AcceleratorError) or "out of memory" in str(error):
        return None
    why = str(error).partition("\n")[0]  # what PyTorch adds is for those who mend it
    return GpuError(f"the GPU failed ({why}); {remedy}")


def cuda_graph(work: Play, generator: torch.Generator | None = None) -> Play:
    """Record work as a CUDA graph, after doing it a few times, as PyTorch asks for before recording.

    Short kernels take less time than starting them from Python does; a graph starts them all at once.
    """
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARM):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    if generator is not None and _REGISTERS:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        work()
    return graph.replay
