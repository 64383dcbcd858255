"""What the tests of the command line share: runs of it in this process, a text, and a model."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from understudy.cli.main import main

SMALL = (
    *("--preset", "tiny", "--units", "12", "--embedding", "8", "--batch-size", "4", "--sequence-length", "16"),
    *("--evaluate-every", "50"),
)
ALPHABET = "abcdefghij klmno\n"


@dataclass(frozen=True)
class Result:
    """What a run of the command line came to."""

    status: int
    out: str
    err: str


class CommandLine:
    """Runs `understudy ARGUMENTS` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Result:
        self._capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Result(status, *self._capsys.readouterr())


@pytest.fixture
def understudy(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, in a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys)


@pytest.fixture(scope="session")
def long_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6,000 characters of a small alphabet."""
    path = tmp_path_factory.mktemp("texts") / "text.txt"
    path.write_text("".join(random.Random(2).choices(ALPHABET, k=6000)))
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, long_text: Path) -> Path:
    """The folder of a finished run; not to be changed."""
    out = tmp_path_factory.mktemp("trained") / "run"
    assert main(["train", str(long_text), "--out", str(out), *SMALL, "--steps", "30", "--quiet"]) == 0
    return out


@pytest.fixture
def text(long_text: Path, tmp_path: Path) -> Path:
    """A text in the working folder."""
    return Path(shutil.copy(long_text, tmp_path))


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """A run in the working folder."""
    return shutil.copytree(trained, tmp_path / "run")


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Everything below a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def snapshot() -> Callable[[Path], dict[Path, bytes | None]]:
    """Takes everything below a folder, to be held against another time."""
    return contents


@pytest.fixture
def refused(understudy: CommandLine, tmp_path: Path) -> Callable[..., str]:
    """Run a command line that must be refused; give its one line."""

    def refuse(*arguments: object) -> str:
        before = contents(tmp_path)
        result = understudy(*arguments)
        assert result.status == 2, result
        (line,) = result.err.splitlines()
        assert line.startswith("understudy: error: ")
        assert "Traceback" not in result.out
        assert contents(tmp_path) == before
        return line

    return refuse
