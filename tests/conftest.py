"""What every test may use."""

import os

# Before torch is loaded: threads that wait for each other let others have the core, as there are more of both here.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# A shell starts background jobs with Ctrl-C ignored, and nohup with hang-ups; every process that the tests start would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("understudy", deadline=None, derandomize=True)
settings.load_profile("understudy")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the tests, and the processes they start, out of the user's cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNDERSTUDY_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Models of the tests' size are slower on two threads than on one, and far slower beside other work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tinyshakespeare() -> Path:
    """The text of the tutorial, which lies beside the repository where it was provided."""
    path = ROOT.parent / "shared" / "data" / "tinyshakespeare.txt"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB of its own; only root may make one."""
    place = tmp_path / "small-disk"
    place.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("cannot mount a small disk: there is no mount")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a small disk: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def open_files() -> Iterator[None]:
    """Fail where the test leaves more files open than it found."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - Path.iterdir is lazy, and holds a descriptor itself
    yield
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208
