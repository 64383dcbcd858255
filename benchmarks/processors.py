"""A processor as if it were an older one: every library at hand is told to leave the newer instructions alone."""

import argparse
import os
import sys

OLDER = {
    "avx2": {
        "UNDERSTUDY_KERNELS": "avx2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }
}


def add_as(parser: argparse.ArgumentParser) -> None:
    """Add `--as`."""
    parser.add_argument(
        "--as",
        dest="processor",
        choices=OLDER,
        help="with no instructions but these: Understudy's, PyTorch's, oneDNN's and MKL's",
    )


def begin_as(processor: str | None) -> None:
    """Begin again with the libraries told so, which they ask for once as they are loaded; and say what computes."""
    wanted = OLDER.get(processor or "", {})
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})
    from understudy.model.recurrence import compiled

    told = f", all libraries as if it had {processor.upper()} alone" if processor else ""
    print(f"{compiled.instructions()}{told}; {compiled.described()}\n", flush=True)
