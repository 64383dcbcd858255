"""`understudy` run as users run it: a process, and the document that it prints."""

import json
import subprocess
import sys
from typing import Any


def understudy(*arguments: object) -> dict[str, Any]:
    """What `understudy ARGUMENTS --json` prints.

    Raises:
        SystemExit: the command failed.
    """
    command = [sys.executable, "-m", "understudy", *map(str, arguments), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)}: {ended.stderr}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found
