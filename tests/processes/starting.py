"""Starts processes that have imported torch before they begin, and waits for them; see `serving.py`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


@dataclass
class Sitting:
    """One process that runs the command line."""

    launcher: "Launcher"
    process: int
    stdout: Path
    stderr: Path

    def wait(self) -> int:
        """Its status, negative where a signal ended it."""
        return int(self.launcher.ask({"wait": self.process}))

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process, number)

    @property
    def said(self) -> str:
        """What it printed on standard error."""
        return self.stderr.read_text()


class Launcher:
    """Starts processes of a program that serves them (`serving.serve`)."""

    def __init__(self, program: Path) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
            "PYTHONUTF8": "1",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}",
        }
        self._server = subprocess.Popen(
            [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._answer() == "ready"

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())

    def start(
        self, folder: Path, *arguments: object, stdin: str = os.devnull, called: str | None = None, **world: Any
    ) -> Sitting:
        """Run `understudy ARGUMENTS` in `folder`; what it prints goes to files beside the folder.

        Args:
            folder: the working folder.
            arguments: the command line.
            stdin: the file to read standard input from.
            called: the name of the process where several run in one folder.
            world: what the program makes different for it.
        """
        stdout, stderr = (folder.with_name(f"{called or folder.name}.{kind}") for kind in ("stdout", "stderr"))
        wanted = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "stdin": stdin,
            "stdout": str(stdout),
            "stderr": str(stderr),
            "world": world,
        }
        return Sitting(self, self.ask({"start": wanted}), stdout, stderr)

    @staticmethod
    def until(condition: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.002)

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        assert self._server.wait(PATIENCE_SECONDS) == 0
        self._server.stdout.close()
