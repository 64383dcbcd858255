"""Runs `understudy` in forked processes, as tests/runs/prepared_process.py does, in a world where things go wrong.

Reads one JSON request a line and answers each with one JSON line. A process that is started may have checkpoints at
short intervals, a disk that refuses from the n-th write on, a clock that jumps, or a user who owns nothing.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from typing import Any

import torch
import torch._dynamo  # optimisers import it when the first one is made

import understudy.cli.display
import understudy.runs.whole_text  # noqa: F401 - and all that it needs: what is edited meanwhile is not mixed in
from tests.faults.full_disk import Disk
from understudy.cli.main import main
from understudy.runs import keeping

PATIENCE_SECONDS = 120
HOUR, YEAR = 3600.0, 31_557_600.0


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
    ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # until the command line runs
    process = os.fork()
    if process:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
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
    if wanted["cache"] is not None:
        os.environ["UNDERSTUDY_CACHE"] = wanted["cache"]
    if wanted["save_seconds"] is not None:
        keeping.SAVE_SECONDS, keeping._SAVING_SHARE = wanted["save_seconds"], 1e9
    if wanted["jumps"] is not None:
        let_jump(random.Random(wanted["jumps"]))
    if wanted["threads"] is not None:
        torch.set_num_threads(wanted["threads"])  # the parent has computed nothing, and has no threads to lose
    if wanted["user"] is not None:
        os.setuid(wanted["user"])
    disk = Disk(wanted["refuses"][0], stays=wanted["refuses"][1]) if wanted["refuses"] is not None else None
    status = 70
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
        status = main(wanted["arguments"])
        sys.stdout.flush()
    except KeyboardInterrupt:  # before or after it
        status = 130
    except BaseException:
        traceback.print_exc()
    finally:
        if disk is not None:
            disk.mend()
            with open(f"{wanted['stdout']}.refused", "w") as file:  # noqa: PTH123
                file.write(json.dumps(disk.refused))
        sys.stderr.flush()
        os._exit(status)


def let_jump(chance: random.Random) -> None:
    """Let what the clock on the wall says leap, forwards and back, by hours or by years, at every fourth look."""
    real, leap = time.time, 0.0

    def now() -> float:
        nonlocal leap
        if chance.random() < 0.25:
            leap = chance.choice([-60 * YEAR, -YEAR, -HOUR, 0.0, HOUR, YEAR, 60 * YEAR])
        return real() + leap

    time.time = now
    time.time_ns = lambda: int(1e9 * now())


if __name__ == "__main__":
    assert torch.get_num_threads() == 1, "a forked process must not inherit a pool of threads"
    serve()
