"""Starts processes of faulty_process.py, and waits for them."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


@dataclass
class Sitting:
    """One process that runs the command line."""

    starter: "Starter"
    process: int
    stdout: Path
    stderr: Path

    def wait(self) -> int:
        """Its status, negative where a signal ended it."""
        return int(self.starter.ask({"wait": self.process}))

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process, number)

    @property
    def said(self) -> str:
        """What it printed on standard error."""
        return self.stderr.read_text()

    @property
    def refused(self) -> list[str]:
        """Which of its writes the disk refused."""
        found: list[str] = json.loads(Path(f"{self.stdout}.refused").read_text())
        return found


class Starter:
    """Starts processes that have imported torch before they begin."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(ROOT),
        }
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("faulty_process.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
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

    def start(self, folder: Path, *arguments: object, stdin: str = os.devnull, **faults: Any) -> Sitting:
        """Run `understudy ARGUMENTS` in `folder`; what it prints goes to files beside the folder.

        Args:
            folder: the working folder.
            arguments: the command line.
            stdin: the file to read standard input from.
            faults: `cache`, a folder; `save_seconds`, between checkpoints that come by time; `jumps`, a seed for a
                clock that does; `user`, a number to run as; `refuses`, the arguments of a `Disk`; `threads`, to compute
                on; `called`, the name of the process where several run in one folder.
        """
        name = faults.get("called", folder.name)
        stdout, stderr = (folder.with_name(f"{name}.{kind}") for kind in ("stdout", "stderr"))
        wanted = {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "stdin": stdin,
            "stdout": str(stdout),
            "stderr": str(stderr),
            **{fault: faults.get(fault) for fault in ("cache", "save_seconds", "jumps", "user", "refuses", "threads")},
        }
        return Sitting(self, self.ask({"start": wanted}), stdout, stderr)

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        assert self._server.wait(PATIENCE_SECONDS) == 0
        self._server.stdout.close()
