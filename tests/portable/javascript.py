"""What a stream of Portable 1 is to do, and Node, which does it in JavaScript."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import understudy
from understudy.generation.sampling import Sampling

SCRIPT = Path(understudy.__file__).parent / "generation" / "portable" / "portable.js"


@dataclass(frozen=True)
class Job:
    """What one stream is to do.

    Attributes:
        seed: its random numbers.
        prompt: ids that it reads first.
        length: how many it draws then.
        sampling: how.
    """

    seed: int
    prompt: tuple[int, ...]
    length: int
    sampling: Sampling


def node() -> str:
    """Node's program; the test is skipped where there is none."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no Node here")
    return found
