"""How many cores a process may use, and how many others leave to it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy.model import cores as module
from understudy.model.cores import Left, cores

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system tells of no affinity")
HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
ASK = "from understudy.model.cores import cores; print(cores())"


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


@needs_affinity
@pytest.mark.skipif(HERE < 2, reason="this machine has one core")
def test_a_process_has_the_cores_of_its_affinity() -> None:
    one = str(min(os.sched_getaffinity(0)))
    told = subprocess.run(
        ["taskset", "--cpu-list", one, sys.executable, "-c", ASK], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "1"


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group of the running kernel, with half a core's time more than one."""
    top = Path("/sys/fs/cgroup")
    place = (top / "cpu" if (top / "cpu").is_dir() else top) / "understudy-test"
    try:
        place.mkdir()
    except OSError:
        pytest.skip("control groups cannot be made here")
    try:
        if (place / "cpu.cfs_quota_us").exists():
            (place / "cpu.cfs_period_us").write_text("100000")
            (place / "cpu.cfs_quota_us").write_text("120000")
        elif (place / "cpu.max").exists():
            (place / "cpu.max").write_text("120000 100000")
        else:
            pytest.skip("the control groups here limit no time")
        yield place
    finally:
        for _ in range(50):
            try:
                place.rmdir()
                break
            except OSError:
                time.sleep(0.1)


@needs_affinity
@pytest.mark.skipif(HERE < 2, reason="this machine has one core")
def test_a_process_has_what_its_control_group_lets_it(group: Path) -> None:
    join = f"echo $$ > {group}/cgroup.procs && exec {sys.executable} -c '{ASK}'"
    told = subprocess.run(["sh", "-c", join], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"


def limits(group: str, quota: str) -> dict[str, str]:
    """The files of a limit, as the second version of control groups has them."""
    return {f"sys/fs/cgroup/{group}/cpu.max": f"{quota} 100000\n"}


def old_limits(group: str, quota: str) -> dict[str, str]:
    place = f"sys/fs/cgroup/cpu/{group}/cpu.cfs"
    return {f"{place}_quota_us": f"{quota}\n", f"{place}_period_us": "100000\n"}


@needs_affinity
@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/a/b", limits("a", "150000") | limits("a/b", "max"), 2),
        ("0::/a", limits("a", "30000"), 1),
        ("0::/", limits("", "140000"), 1),
        ("4:cpu,cpuacct:/x", old_limits("x", "100000"), 1),
        ("4:cpu:/x", old_limits("x", "-1"), 4),
        ("4:memory:/x", {}, 4),
        ("nonsense", limits("", "nonsense"), 4),
    ],
)
def test_the_tightest_of_the_groups_counts(
    group: str, files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert cores(written(tmp_path, {"proc/self/cgroup": f"{group}\n", **files})) == expected


@needs_affinity
def test_slow_cores_of_a_processor_with_two_kinds_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cores(written(tmp_path / "intel", {"sys/devices/cpu_core/cpus": "0-2,5\n"})) == 4
    arm = {f"sys/devices/system/cpu/cpu{core}/cpu_capacity": "446" if core < 4 else "1024" for core in range(8)}
    assert cores(written(tmp_path / "arm", arm)) == 4
    assert cores(tmp_path / "untold") == 8


class Clock:
    """Stands for the time, so that what /proc/stat tells of a second needs no second."""

    def __init__(self) -> None:
        self.now, self.own = 0.0, 0.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.own


@needs_affinity
def test_a_core_that_others_have_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stat, ticks = Clock(), tmp_path / "stat", os.sysconf("SC_CLK_TCK")
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(os, "getpriority", lambda *_: 0)
    total, modest = [0.0], [0.0]

    def passes(own: float, others: float, nice: float = 0.0) -> int:
        """A second in which we and others had so many cores."""
        clock.now += 1
        clock.own += own
        total[0] += (own + others) * ticks
        modest[0] += nice * ticks
        stat.write_text(
            f"cpu  1 1 1 1\ncpu0 {int(total[0])} {int(modest[0])} 0 99 0 0 0 0 0 0\ncpu9 {10**9} 0 0 0 0 0 0\n"
        )
        return left.threads(4)

    left = Left(stat)
    assert passes(0, 0) == 4
    assert passes(4, 0) == 4
    assert passes(3.3, 0.4) == 4  # less than half a core
    assert passes(2.7, 1.3) == 3
    assert passes(1, 3) == 1
    assert passes(0.1, 3.9) == 1
    assert passes(1, 0, nice=3) == 4  # they give way to us
    assert left.threads(2) == 2
    stat.write_text("cpu0 what\n")
    clock.now += 1
    assert left.threads(4) == 4
    assert Left(tmp_path / "none").threads(3) == 3


@needs_affinity
@pytest.mark.skipif(HERE < 2 or not Path("/proc/stat").exists(), reason="this system tells nothing of others")
def test_a_program_that_keeps_a_core_busy_is_seen() -> None:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HERE)]
    try:
        left, deadline = Left(), time.monotonic() + 20
        while left.threads(HERE) > 1:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, ("10000", "0")), ({"GOMP_SPINCOUNT": "7"}, ("7", "0")), ({"OMP_WAIT_POLICY": "active"}, (None, None))],
)
def test_waiting_is_set_before_pytorch_is_imported_and_as_the_user_says(
    given: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    names = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY")
    ask = f"import os, understudy; understudy.Run; print(*map(os.environ.get, {names[:2]}))"
    kept = {name: value for name, value in os.environ.items() if name not in names}
    told = subprocess.run(
        [sys.executable, "-c", ask], env={**kept, **given}, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(value) for value in expected]
