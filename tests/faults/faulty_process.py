"""Processes that run `understudy` (`tests/processes`) in a world where things go wrong."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tests.faults.full_disk import Disk
from tests.processes.serving import serve
from understudy.runs import keeping

HOUR, YEAR = 3600.0, 31_557_600.0


def world(
    cache: str | None = None,
    save_seconds: float | None = None,
    jumps: int | None = None,
    threads: int | None = None,
    user: int | None = None,
    refuses: tuple[int, bool, str] | None = None,
) -> Callable[[], None]:
    """What goes wrong.

    Args:
        cache: the folder of the cache.
        save_seconds: between checkpoints that come by time.
        jumps: a seed for a clock that does.
        threads: to compute on.
        user: a number to run as: somebody who owns nothing.
        refuses: which write the disk refuses first, whether it goes on refusing, and the file that is to tell which
            writes it refused.
    """
    if cache is not None:
        os.environ["UNDERSTUDY_CACHE"] = cache
    if save_seconds is not None:
        keeping.SAVE_SECONDS, keeping._SAVING_SHARE = save_seconds, 1e9
    if jumps is not None:
        let_jump(random.Random(jumps))
    if threads is not None:
        torch.set_num_threads(threads)  # the parent has computed nothing, and has no threads to lose
    if user is not None:
        os.setuid(user)
    if refuses is None:
        return lambda: None
    first, stays, told = refuses
    disk = Disk(first, stays=stays)

    def tell() -> None:
        disk.mend()
        Path(told).write_text("\n".join(disk.refused))

    return tell


def let_jump(chance: random.Random) -> None:
    """Let what the clock on the wall says leap, forwards and back, by hours or by years, at every fourth look."""
    real, leap = time.time, 0.0

    def now() -> float:
        nonlocal leap
        if chance.random() < 0.25:
            leap = chance.choice([-60 * YEAR, -YEAR, -HOUR, 0.0, HOUR, YEAR, 60 * YEAR])
        return real() + leap

    time.time = now
    time.time_ns = lambda: int(1e9 * now())


if __name__ == "__main__":
    serve(world)
