"""The program itself, as a process: alone, or on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def program(*arguments: object) -> list[str]:
    """The command line of `understudy ARGUMENTS`."""
    return [sys.executable, "-m", "understudy", *map(str, arguments)]


class Seen:
    """What a program showed on a terminal, and its status."""

    def __init__(self, raw: str, status: int) -> None:
        self.raw, self.status = raw, status
        self.plain = ESCAPE.sub("", raw).replace("\r", "")


def on_terminal(
    arguments: Sequence[str], folder: Path, during: Callable[[str, int], bool] | None = None, columns: int = 100
) -> Seen:
    """Run a program on a pseudo-terminal; `during` sees what came so far until it is satisfied."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        arguments, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 1 << 16):
            shown += block
            if during is not None and during(shown.decode("utf-8", "replace"), process.pid):
                during = None
    except OSError:  # the last one on the other side has gone
        pass
    os.close(ours)
    return Seen(shown.decode("utf-8", "replace"), process.wait())
