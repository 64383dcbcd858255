"""`understudy` run as users run it: a process, and the document that it prints."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-m", "understudy")


def understudy(*arguments: object, program: Sequence[str] = PROGRAM) -> dict[str, Any]:
    """What `understudy ARGUMENTS --json` prints; or another program in its place.

    Raises:
        SystemExit: the command failed.
    """
    command = [*program, *map(str, arguments), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)}: {ended.stderr}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def held_back(text: Path, into: Path) -> Path:
    """The text's last tenth in a file of its own, as `train` holds it back."""
    whole = text.read_text(encoding="utf-8")
    held = into / "held.txt"
    held.write_text(whole[int(0.9 * len(whole)) :], encoding="utf-8")
    return held


def windows_of_64(run: Path, text: Path, program: Sequence[str] = PROGRAM) -> float:
    """Nats a character of a run's model on the last tenth of its text, in windows of 64, nanoGPT's context on a CPU."""
    return _on_held_back(run, text, program, "--protocol", "windowed", "--window", 64)


def streamed(run: Path, text: Path, program: Sequence[str] = PROGRAM) -> float:
    """Nats a character of a run's model on the whole of that tenth, streamed; a run may have looked at a part."""
    return _on_held_back(run, text, program)


def _on_held_back(run: Path, text: Path, program: Sequence[str], *more: object) -> float:
    with tempfile.TemporaryDirectory() as folder:
        held = held_back(text, Path(folder))
        found = understudy("evaluate", run, held, "--no-baselines", *more, program=program)
    return float(found["loss"])
