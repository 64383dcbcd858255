"""Damaged and hostile files of a run, and what reading them may cost."""

import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from safetensors import safe_open

from tests.model.mutations import VALUES, Mutations
from understudy.errors import UserError
from understudy.model import container
from understudy.runs.request import Request
from understudy.runs.session import Session

SECONDS, KILOBYTES = 5.0, 500_000
PATHS: list[Any] = [
    *("/dev/zero", "/dev/urandom", "/dev/stdin", "/dev/tty", "/proc/self/mem", "/proc/kmsg", "/proc/self/fd/0", "/"),
    *("/sys", "..", ".", "", "-", "@python", "@shakespeare", "@nothing", "~", "\0", "a\0b", "//host/share", "x" * 5000),
]
NUMBERS: list[Any] = [-(2**63), -2, 2, 3, 2**31, 2**53, 2**62, 1e-300, 1e300, 0.5, "1", [0], [["/dev/zero"]]]


class HostileMutations(Mutations):
    """Of a checkpoint: fields become names of what must not be opened, too, and numbers of all sizes."""

    values: ClassVar[list[Any]] = [*VALUES, *PATHS, *NUMBERS]


class Limits:
    """How long reading took at most, and what it took of memory, in kilobytes."""

    def __init__(self) -> None:
        self._before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.slowest = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Fail where the block waits for ever, or takes longer or more than it may."""

        def waited(number: int, frame: FrameType | None) -> None:
            raise AssertionError("waited for what never comes")

        before = signal.signal(signal.SIGALRM, waited)
        signal.alarm(30)
        began = time.process_time()
        try:
            yield
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        self.slowest = max(self.slowest, time.process_time() - began)
        assert self.slowest < SECONDS
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - self._before < KILOBYTES


def taken_apart(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document and the tensors of a file of ours."""
    with safe_open(path, framework="numpy") as file:
        document = json.loads(file.metadata()[container.KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    for name in ("checksum", "format", "kind"):
        del document[name]
    return document, tensors


def put(document: Any, place: str, value: Any) -> None:
    """Set the field at a path with dots; or remove it, where the value is `...`."""
    *holders, name = place.split(".")
    for holder in holders:
        document = document[holder]
    if value is ...:
        del document[name]
    else:
        document[name] = value


def assert_one_line(error: UserError, start: str = "") -> None:
    """Hold a complaint against what every complaint is."""
    line = str(error)
    assert line.startswith(start)
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 4000
    assert type(error) is not UserError


def gone_on_with(run: Path) -> bool:
    """Resume a run for a few steps in this process; whether that was not refused in one line."""
    return attempted(Request(None, None, {}, run, resume=True), steps=2)


def attempted(request: Request, steps: int) -> bool:
    """Prepare what is asked for, and take some steps; whether that was not refused in one line."""
    session = Session(request)
    try:
        for _ in session.prepare():
            pass
        for _ in islice(session.reports(), steps):
            pass
    except UserError as error:
        assert_one_line(error)
        return False
    finally:
        session.close()
    return True


def contents(run: Path) -> dict[str, bytes]:
    """The regular files of a folder."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if not path.is_symlink() and path.is_file() and os.path.basename(path) != ".lock"  # noqa: PTH119
    }
