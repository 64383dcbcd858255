"""Runs `understudy` in real processes that are forked once torch is imported, so that a start costs little.

Reads one JSON request a line and answers each with one JSON line. `{"start": {...}}` forks a process that runs the
given command line and answers with its id; `{"wait": id}` answers with its status, negative where a signal ended it.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo  # optimisers import it when the first one is made

import understudy.runs.whole_text
import understudy.showing.live  # noqa: F401 - and all that it needs: what is edited meanwhile is not mixed in
from understudy.cli.main import main

PATIENCE_SECONDS = 120
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
World = Callable[..., Callable[[], None]]
"""Makes things different in a process that was just forked, as its `world` says, and gives what is to be done at the
process's end."""


def serve(world: World) -> None:
    """Serve until nobody asks any more."""
    assert torch.get_num_threads() == 1, "a forked process must not inherit a pool of threads"
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = start(request["start"], world)
        else:
            _, status = os.waitpid(request["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        print(json.dumps(answer), flush=True)


def start(wanted: dict[str, Any], world: World) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until the command line runs
    process = os.fork()
    if process:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
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
    at_the_end = world(**wanted["world"])
    status = 70
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        status = main(wanted["arguments"])
        sys.stdout.flush()
    except KeyboardInterrupt:  # before or after it
        status = 130
    except BaseException:
        traceback.print_exc()
    finally:
        at_the_end()
        sys.stderr.flush()
        os._exit(status)
