"""What the campaign of faults shares: a place for runs, and an account of what was done, printed at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.kinds import Place
from tests.processes.starting import Launcher

_ACCOUNT: list[str] = []


@pytest.fixture(scope="session")
def account() -> Callable[[str], None]:
    """Takes a line to be printed at the end."""
    return _ACCOUNT.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _ACCOUNT:
        terminalreporter.section("faults")
        for line in _ACCOUNT:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def faulty(cache: Path) -> Iterator[Launcher]:
    started = Launcher(Path(__file__).with_name("faulty_process.py"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def place(faulty: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(faulty, tmp_path_factory.mktemp("place"))
