"""Processes that train together."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes.starting import Launcher, Sitting

PROGRAM = Path(__file__).with_name("rank_process.py")


class Group:
    """Starts the ranks of a run."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher

    def start(self, folder: Path, *arguments: object, of: int = 2, **world: Any) -> list[Sitting]:
        """`understudy ARGUMENTS` in each of so many processes, which work in one folder.

        What differs between them comes by rank: `poisoned={1: 7}`.
        """
        port = free_port()
        own = [{name: value[rank] for name, value in world.items() if rank in value} for rank in range(of)]
        return [
            self.launcher.start(
                folder, *arguments, called=f"{folder.name}-{rank}", rank=rank, of=of, port=port, **own[rank]
            )
            for rank in range(of)
        ]

    def run(self, folder: Path, *arguments: object, of: int = 2, **world: Any) -> list[Sitting]:
        """The same, until they have ended; all must have done well."""
        started = self.start(folder, *arguments, of=of, **world)
        statuses = [sitting.wait() for sitting in started]
        assert statuses == [0] * of, "\n".join(sitting.said for sitting in started)
        return started


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def group(cache: Path) -> Iterator[Group]:
    launcher = Launcher(PROGRAM)
    yield Group(launcher)
    launcher.close()
