"""Runs `understudy` in real processes that are forked once torch is imported, so that a start costs little.

Reads one JSON request a line and answers each with one JSON line. `{"start": {...}}` forks a process that runs the
given command line and answers with its id; `{"wait": id}` answers with its status, negative where a signal ended it.
A process that is asked to die kills itself with SIGKILL at the n-th call of a function of the system.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # optimisers import it when the first one is made

import understudy.cli.display  # noqa: F401 - imports the training too
from understudy.cli.main import main

PATIENCE_SECONDS = 120


def serve() -> None:
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = start(request["start"])
        else:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        print(json.dumps(answer), flush=True)


def start(wanted: dict[str, Any]) -> int:
    process = os.fork()
    if process:
        return process
    signal.alarm(PATIENCE_SECONDS)
    os.chdir(wanted["folder"])
    for descriptor, name, flags in (
        (0, wanted["stdin"], os.O_RDONLY),
        (1, wanted["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, wanted["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(name, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0)  # noqa: SIM115 - what the parent had read ahead is not for the child
    if wanted["die_at"] is not None:
        arm(*wanted["die_at"])
    status = 70
    try:
        status = main(wanted["arguments"])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def arm(moment: str, number: int) -> None:
    """Die at the n-th writing of a file: before it is synced, half written, before or after its renaming."""
    calls = 0

    def now() -> bool:
        nonlocal calls
        calls += 1
        return calls == number

    sync, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == ".partial" and now():
            if moment == "half written":
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        sync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        written = self.suffix == ".partial"  # else the name that a run begins under
        if (moment, written) in (("before renaming", True), ("before taking its place", False)) and now():
            die()
        renamed = rename(self, target)
        if (moment, written) in (("after renaming", True), ("after taking its place", False)) and now():
            die()
        return renamed

    if moment in ("before syncing", "half written"):
        os.fsync = fsync  # type: ignore[assignment]
    else:
        Path.replace = replace  # type: ignore[method-assign, assignment]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


if __name__ == "__main__":
    assert torch.get_num_threads() == 1, "a forked process must not inherit a pool of threads"
    serve()
