"""A process that computes on two threads and then has children by fork, which compute too: forking_process.py TEXT OUT.

Each child has a time limit, and is killed when it takes longer. Prints a line for each thing that a child did.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import understudy

LIMIT = 20
SETTINGS: dict[str, Any] = {
    "preset": "tiny",
    "cell": "gru",
    "units": 256,
    "batch_size": 32,
    "sequence_length": 16,
    "steps": 1,
    "calibration": "none",
}


def main() -> None:
    torch.set_num_threads(2)
    text, out = Path(sys.argv[1]), Path(sys.argv[2])

    def train(name: str) -> understudy.Model:
        return understudy.train(text, out=out / name, overwrite=True, **SETTINGS)

    model = train("parent")
    content = text.read_text(encoding="utf-8")
    scored, seen = model.evaluate(content).loss, model.generate("a", seed=1, length=300)
    threads = torch.get_num_threads()

    def train_again() -> bool:
        torch.testing.assert_close(train("child").evaluate(content).loss, scored, rtol=1e-4, atol=0)
        return torch.get_num_threads() == 1

    deeds: dict[str, Callable[[], bool]] = {
        "trains": train_again,
        "evaluates": lambda: abs(model.evaluate(content).loss / scored - 1) < 1e-5,
        "writes": lambda: model.generate("a", seed=1, length=300) == seen,
    }
    for how in (by_os, by_multiprocessing):
        for name, deed in deeds.items():
            print(f"{how.__name__} {name}: {how(deed)}", flush=True)
    print("parent keeps its threads:", torch.get_num_threads() == threads == 2, flush=True)
    print("parent writes:", model.generate("a", seed=1, length=300) == seen, flush=True)


def by_os(deed: Callable[[], bool]) -> object:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if deed() else 3)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(4)
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return True if status == 0 else f"status {os.waitstatus_to_exitcode(status)}"
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def by_multiprocessing(deed: Callable[[], bool]) -> object:
    def do() -> None:
        sys.exit(0 if deed() else 3)

    child = multiprocessing.get_context("fork").Process(target=do)
    child.start()
    child.join(LIMIT)
    if child.is_alive():
        child.kill()
        child.join()
        return "hung"
    return True if child.exitcode == 0 else f"status {child.exitcode}"


if __name__ == "__main__":
    main()
