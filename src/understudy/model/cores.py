"""The cores that this process may use, and how many of them other programs leave to it."""

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

_EVERY = 0.5
"""Seconds between two looks at what other programs take."""
_SPINS = "10000"
"""How often a thread of OpenMP looks for work before it sleeps: half a millisecond or less."""
_SLOW = 0.75
"""A core with less than this of the best one's capacity is not counted: the others would wait for it at every step."""


def cores(system: Path = Path("/")) -> int:
    """How many cores this process may use: those of its affinity that are fast, as far as its control group goes.

    Args:
        system: where `proc` and `sys` lie.
    """
    count, quota = len(allowed(system)), _quota(system)
    return count if quota is None else max(1, min(count, int(quota + 0.5)))


def allowed(system: Path = Path("/")) -> set[int]:
    """The numbers of the cores of this process's affinity that are fast.

    Args:
        system: where `sys` lies.
    """
    given = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    return _fast(system / "sys", given) or given


def host() -> str:
    """What tells this machine from others, as it runs now."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return socket.gethostname()


def network() -> str:
    """What tells processes that reach each other by memory alone from others: a host, or a container's part of it."""
    with suppress(OSError):
        return f"{host()} {os.readlink('/proc/self/ns/net')}"  # noqa: PTH115 - no path
    return host()


def wait_briefly() -> None:
    """Let PyTorch's threads sleep soon while they wait for each other, so that they leave the cores to who has work.

    They look for work for many milliseconds otherwise, also where another program has the core that the work needs.
    OpenMP asks the environment once, so this comes before `import torch`; what the user has set there stays.
    """
    if "torch" not in sys.modules and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
        os.environ.setdefault("KMP_BLOCKTIME", "0")


class Left:
    """How many threads are worth having beside what other programs do, where the system tells (Linux)."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        """Begin with all.

        Args:
            stat: what the kernel tells of the time of each core.
        """
        self._stat = stat
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._others = 0.0
        self._last: tuple[float, float, float] | None = None

    def threads(self, most: int) -> int:
        """From 1 to `most`: one less for each core that others have had since the last look."""
        now = time.monotonic()
        if self._cores and (self._last is None or now - self._last[0] >= _EVERY):
            self._look(now)
        return max(1, min(most, int(len(self._cores) - self._others + 0.5))) if self._cores else most

    def _look(self, now: float) -> None:
        busy, own = self._busy(), time.process_time()
        if busy is None:
            self._cores = []
        elif self._last is not None:
            took = now - self._last[0]
            self._others = max(0.0, (busy - self._last[1]) - (own - self._last[2])) / took
        self._last = now, busy or 0.0, own

    def _busy(self) -> float | None:
        """Seconds that the cores have worked, without what gives way to us (nice)."""
        ticks, mine, modest = 0, {f"cpu{core}" for core in self._cores}, os.getpriority(os.PRIO_PROCESS, 0) > 0
        try:
            for line in self._stat.read_text("ascii", "replace").splitlines():
                name, *figures = line.split()
                if name in mine:
                    user, nice, system, _, _, irq, softirq = map(int, figures[:7])
                    ticks += user + system + irq + softirq + (nice if modest else 0)
            return ticks / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return None


def _fast(system: Path, allowed: set[int]) -> set[int]:
    """The cores that are about as fast as the best, where a processor has two kinds and the system tells of them."""
    with suppress(OSError, ValueError):
        return allowed & _listed((system / "devices/cpu_core/cpus").read_text("ascii"))
    capacity: dict[int, int] = {}
    for core in allowed:
        with suppress(OSError, ValueError):
            capacity[core] = int((system / f"devices/system/cpu/cpu{core}/cpu_capacity").read_text("ascii"))
    best = max(capacity.values(), default=0)
    return {core for core in allowed if capacity.get(core, best) >= _SLOW * best}


def _listed(text: str) -> set[int]:
    """The numbers of a list such as 0-3,8."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _quota(system: Path) -> float | None:
    """The cores' worth of time that the process's control group, or one above it, may take; None for all."""
    found: list[float | None] = []
    with suppress(OSError, ValueError):
        for line in (system / "proc/self/cgroup").read_text("utf-8", "replace").splitlines():
            number, controllers, group = line.split(":", 2)
            if number == "0" or "cpu" in controllers.split(","):
                top, own = system / "sys/fs/cgroup" / ("" if number == "0" else "cpu"), Path(group.lstrip("/"))
                found += [_limit(top / part) for part in (own, *own.parents)]
    return min((limit for limit in found if limit is not None), default=None)


def _limit(group: Path) -> float | None:
    """What one control group sets, in either version of the kernel's files."""
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text("ascii").split()
        return int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else None
    return None
