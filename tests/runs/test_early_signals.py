"""Signals that come before there is anything to resume."""

import fcntl
import os
import signal
import struct
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs.helpers import command, real
from understudy.cli.main import main
from understudy.runs import checkpoint, material

if TYPE_CHECKING:
    from tests.processes.starting import Launcher


@pytest.mark.parametrize(
    ("module", "number", "status"),
    [
        ("numpy", signal.SIGINT, 130),
        ("understudy.model.network", signal.SIGTERM, 143),
        pytest.param("numpy", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("torch.autograd", signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param("torch.autograd", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("understudy.model.network", signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_signal_while_the_program_is_still_loading_ends_it_at_once(
    module: str, number: signal.Signals, status: int, text: Path, tmp_path: Path
) -> None:
    process = real(*command(text, steps=100_000), folder=tmp_path, options=["-X", "importtime"])
    assert process.stderr is not None
    for line in process.stderr:
        if line.split("|")[-1].strip() == module:
            process.send_signal(number)
            break
    _, stderr = process.communicate()
    assert process.returncode == status, stderr[-2000:]
    said = [line for line in stderr.splitlines() if not line.startswith("import time:")]
    assert said == ["interrupted; training had not begun, and nothing is kept"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_in_a_finaliser_is_not_lost(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)  # what its handler raises, Python prints and ignores

    def reading(*arguments: Any) -> Any:
        Finalised()
        return material.prepare(*arguments)

    monkeypatch.setattr("understudy.runs.beginning.prepare", reading)
    assert main([*map(str, command(text)), "--out", str(tmp_path / "run")]) == 143
    assert "interrupted; go on from the last checkpoint" in capsys.readouterr().err
    assert checkpoint.load_latest(tmp_path / "run" / "checkpoint")[0] is not None


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_text_is_still_read_leaves_nothing(
    number: signal.Signals, status: int, launcher: "Launcher", tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    folder = tmp_path / "folder"
    folder.mkdir()
    ours = os.open(pipe, os.O_RDWR)
    os.write(ours, b"a text that does not end")
    sitting = launcher.start(folder, "train", "-", "--out", "run", "--preset", "tiny", stdin=str(pipe))
    launcher.until(lambda: struct.unpack("i", fcntl.ioctl(ours, termios.FIONREAD, b"    "))[0] == 0)
    sitting.send(number)
    time.sleep(0.1)
    os.write(ours, b"and goes on")  # a signal that comes just before the system waits for more is met after it
    assert sitting.wait() == status
    os.close(ours)
    assert sitting.stderr.read_text() == "interrupted; training had not begun, and nothing is kept\n"
    assert list(folder.iterdir()) == []
