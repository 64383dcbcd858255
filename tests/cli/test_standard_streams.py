"""Whatever standard output and standard error are, a command ends with its own status."""

import contextlib
import io
import os
import pty
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import SMALL
from tests.cli.helpers import program
from understudy.cli.main import main

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

FULL = Path("/dev/full")


@pytest.mark.parametrize("more", [(), ("--samples", "40")])
def test_a_reader_that_leaves_early_is_no_error(more: tuple[str, ...], model: Path, tmp_path: Path) -> None:
    writing = shlex.join(program("generate", model, "--length", 20_000, *more))
    command = f"set -o pipefail; {writing} | head -c 10"
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert len(ended.stdout) == 10
    assert ended.returncode == 0


def test_text_goes_out_piece_by_piece(model: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(program("generate", model, "--length", 10_000_000), cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert len(process.stdout.read(100)) == 100
    assert process.poll() is None
    process.kill()
    process.wait()
    process.stdout.close()


def test_bytes_that_are_no_text_come_out_as_they_went_in(understudy: "CommandLine", text: Path, tmp_path: Path) -> None:
    assert understudy("train", text, "--out", "b", *SMALL, "--steps", 3, "--vocabulary", "bytes", "--quiet").status == 0
    arguments: list[str | bytes] = [*program("generate", "b", "--length", 5, "--start"), b"a\xff\xfe"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"}
    ended = subprocess.run(arguments, cwd=tmp_path, capture_output=True, check=True, env=environment)
    assert ended.stdout.startswith(b"a\xff\xfe")


def test_an_output_that_is_not_unicode_gets_escapes(understudy: "CommandLine", tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("naïve café, ξένος, 漢字\n" * 100, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run(
        program("info", "letter.txt"), cwd=tmp_path, capture_output=True, check=True, env=environment
    )
    shown = ended.stdout.decode("latin-1")
    assert "naïve café, \\u03be\\u03ad\\u03bd\\u03bf\\u03c2" in shown


@pytest.mark.slow
def test_training_goes_on_when_nobody_reads_its_lines(long_text: Path, tmp_path: Path) -> None:
    run = tmp_path / "unread"
    command = [sys.executable, "-m", "understudy", "train", str(long_text), "--out", str(run), "--preset", "tiny"]
    process = subprocess.Popen([*command, "--steps", "40"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0, complaints
    assert complaints == b""
    assert (run / "checkpoint" / "step-000000000040.safetensors").exists()


def in_shell(arguments: list[str], redirections: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program with its standard streams as a shell makes them."""
    line = f"{shlex.join(arguments)} {redirections}"
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [("--help",), ("cache",), ("info", "text.txt"), ("info", "text.txt", "--json")])
def test_an_output_that_is_full_is_one_line_and_status_1(arguments: tuple[str, ...], text: Path) -> None:
    ended = in_shell(program(*arguments), ">/dev/full", text.parent)
    assert ended.returncode == 1
    assert ended.stderr == "understudy: error: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("redirections", "status"),
    [
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&-", 0),
        ("<&- >&- 2>&-", 0),
        (">/dev/full 2>/dev/full", 1),
        (">/dev/full 2>&-", 1),
    ],
)
def test_streams_that_are_closed_or_full_leave_the_status(redirections: str, status: int, text: Path) -> None:
    ended = in_shell(program("info", "text.txt"), redirections, text.parent)
    assert (ended.returncode, ended.stderr) == (status, "")
    refused = in_shell(program("info", "no.txt"), redirections, text.parent)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") <= 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "redirections", [pytest.param(">/dev/full 2>/dev/full", marks=pytest.mark.slow), "<&- >&- 2>&-"]
)
def test_training_goes_on_where_nothing_can_be_shown(redirections: str, text: Path) -> None:
    ended = in_shell(program("train", "text.txt", "--out", "new", *SMALL, "--steps", 12), redirections, text.parent)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (text.parent / "new" / "checkpoint" / "step-000000000012.safetensors").exists()
    assert (text.parent / "new" / "model.safetensors").exists()


class Stranger:
    """A notebook's object: it can be written to, and nothing else."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


class Breaking(Stranger):
    """A stream that fails in a way of its own."""

    def write(self, text: str) -> None:
        raise KeyError(text)

    def isatty(self) -> bool:
        raise ValueError("closed")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@contextlib.contextmanager
def standard(stream: Any) -> Iterator[None]:
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


@pytest.mark.parametrize(("stream", "status"), [(None, 0), (Stranger(), 0), (Breaking(), 1), (closed(), 0)])
def test_any_object_serves_as_standard_output(stream: Any, status: int, text: Path) -> None:
    out = text.parent / "new"
    with standard(stream):
        assert main(["info", str(text)]) == status
        assert main(["info", "no such text"]) == 2
        assert main(["train", str(text), "--out", str(out), *SMALL, "--steps", "3"]) == 0
        assert main(["train", str(text), "--out", str(out)]) == 2
    if type(stream) is Stranger:
        for shown in ("6,000 characters", "no such text: no such file", "step 3 of 3", "understudy generate"):
            assert shown in stream.text
    assert (out / "model.safetensors").exists()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_an_encoding_lacks_is_escaped(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "漢字.txt").write_text("漢字 – é\n" * 100, encoding="utf-8")
    data = io.BytesIO()
    with standard(io.TextIOWrapper(data, encoding, errors="strict")):
        assert main(["info", str(tmp_path / "漢字.txt")]) == 0
        assert main(["info", str(tmp_path / "字.txt")]) == 2
        shown = data.getvalue().decode(encoding)
    assert "\\u6f22\\u5b57.txt" in shown or "\\u6f22\\u5b57: " in shown
    assert "\\u5b57.txt: no such file" in shown


def test_the_command_line_serves_in_a_thread(text: Path) -> None:
    statuses = []
    out = str(text.parent / "new")
    arguments = ["train", str(text), "--out", out, *SMALL, "--steps", "3", "--quiet"]
    thread = threading.Thread(target=lambda: statuses.append(main(arguments)))
    thread.start()
    thread.join()
    assert statuses == [0]


def training_on(terminal: int, text: Path, *, controls: bool) -> "subprocess.Popen[bytes]":
    """Train on a terminal that is to go away, with standard error in a file."""
    code = (
        "import sys, fcntl, termios\n"
        f"{'fcntl.ioctl(0, termios.TIOCSCTTY, 0)' if controls else ''}\n"
        "from understudy.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    steps = 100_000 if controls else 400
    train = ["train", str(text), "--out", str(text.parent / "new"), *SMALL, "--steps", str(steps)]
    with (text.parent / "errors").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", code, *train], stdin=terminal, stdout=terminal, stderr=errors, start_new_session=True
        )


@pytest.mark.parametrize("controls", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_terminal_that_closes_loses_nothing(controls: bool, text: Path) -> None:
    ours, theirs = pty.openpty()
    process = training_on(theirs, text, controls=controls)
    os.close(theirs)
    shown = b""
    while b"train loss" not in shown:
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    status = process.wait()
    errors = (text.parent / "errors").read_text()
    checkpoints = sorted(path.name for path in (text.parent / "new" / "checkpoint").iterdir())
    if controls:
        assert status == 128 + signal.SIGHUP
        step = int(errors.split("interrupted at step ")[1].split()[0].replace(",", ""))
        assert checkpoints[-1] == f"step-{step:012d}.safetensors"
        assert errors.count("\n") == 2
    else:
        assert (status, errors) == (0, "")
        assert checkpoints[-1] == "step-000000000400.safetensors"


@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_so(text: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, threading\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from understudy.showing import plain\n"
        "shown = plain.Plain.show\n"
        "def show(self, report):\n"
        "    os.kill(os.getpid(), signal.SIGHUP); os.kill(os.getpid(), signal.SIGINT); shown(self, report)\n"
        "plain.Plain.show = show\n"
        "from understudy.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    train = ["train", str(text), "--out", "new", *SMALL, "--steps", "20"]
    ended = subprocess.run([sys.executable, "-c", code, *train], cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"step 20 of 20" in ended.stdout


def test_a_terminal_that_closes_is_one_signal_though_it_be_sent_twice(
    understudy: "CommandLine", text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from understudy.showing.plain import Plain

    def show(*_: object) -> None:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr(Plain, "show", show)
    result = understudy("train", text, "--out", "new", *SMALL, "--steps", 100)
    assert result.status == 129
    step = int(result.err.split("interrupted at step ")[1].split()[0])
    assert Path(f"new/checkpoint/step-{step:012d}.safetensors").exists()
