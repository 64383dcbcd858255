"""Processes that run `understudy` (`tests/processes`), and may be asked to die at the n-th writing of a file."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.processes.serving import serve


def world(die_at: tuple[str, int] | None = None) -> Callable[[], None]:
    """Nothing is different, but for a process that is to die: it kills itself with SIGKILL."""
    if die_at is not None:
        arm(*die_at)
    return lambda: None


def arm(moment: str, number: int) -> None:
    """Die at the n-th writing of a file: before it is synced, half written, before or after its renaming."""
    calls = 0

    def now() -> bool:
        nonlocal calls
        calls += 1
        return calls == number

    sync, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".partial" and now():
            if moment == "half written":
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        sync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        written = self.suffix == ".partial"  # else the name that a run begins under
        if (moment, written) in (("before renaming", True), ("before taking its place", False)) and now():
            die()
        renamed = rename(self, target)
        if (moment, written) in (("after renaming", True), ("after taking its place", False)) and now():
            die()
        return renamed

    if moment in ("before syncing", "half written"):
        os.fsync = fsync  # type: ignore[assignment]
    else:
        Path.replace = replace  # type: ignore[method-assign, assignment]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


if __name__ == "__main__":
    serve(world)
