"""Whether all runtimes of Portable 1 write the same: ids, and the bits of logits and state.

    python -m benchmarks.sameness [--seeds 20] [--length 2000] [--models WORD ...] [--runtimes WORD ...]

Each model writes with every way to draw (greedy, plain, top-k, top-p, both) from so many seeds, streams of other
settings beside each other and in turn, in each of the runtimes: a compiler with its options, a path of the engine in
Python, WebAssembly or JavaScript in Node or in a browser. What NumPy writes is what they are held against: the ids, a
sum of the bits of logits and h after every step, and the bits of h, c and logits at the end. --models and --runtimes
take those in whose names one of the words is. What is missing here is said to be.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from tests.browsers.driving import Browser, chromium, firefox
from tests.portable.examples import DRAWS, FULL, jobs, packed
from tests.portable.javascript import Job
from tests.portable.programs import TARGETS, Came, Target, build, in_c, in_numpy, in_slices, in_wasm
from tests.portable.running_scripts import in_browser, in_node
from understudy.errors import ConfigError
from understudy.generation.portable import compiled
from understudy.generation.portable.packing import Packed
from understudy.generation.portable.runner import Runner
from understudy.model.cores import cores
from understudy.model.paths import CHOICE

PATHS = ("avx512-vnni", "avx512", "avx2", "neon", "plain")
Run = Callable[[Packed, Sequence[Job], Path], list[Came]]


def in_program(target: Target, model: Packed, work: Sequence[Job], folder: Path) -> list[Came]:
    """What a program in C gives."""
    return in_c(build(target, folder), model, work, folder)


def in_engine(path: str, model: Packed, work: Sequence[Job], folder: Path) -> list[Came]:
    """What the engine in Python gives on one of its paths."""
    os.environ[CHOICE] = path
    try:
        number = compiled.number_of(compiled.path())
    except ConfigError as error:
        pytest.skip(str(error))
    assert number is not None
    return in_slices(Runner(model, number, cores()), model, work)


def in_window(
    browser: Callable[[], AbstractContextManager[Browser]],
    runtime: Literal["javascript", "wasm"],
    model: Packed,
    work: Sequence[Job],
    folder: Path,
) -> list[Came]:
    """What a browser gives."""
    with browser() as window:
        return in_browser(window, runtime, model, work, folder)


def runtimes() -> Mapping[str, Run]:
    """All of them by name."""
    found: dict[str, Run] = {name: partial(in_program, target) for name, target in TARGETS.items()}
    found |= {f"engine {path}": partial(in_engine, path) for path in PATHS}
    found |= {"WebAssembly, Node": in_wasm, "JavaScript, Node": in_node}
    browsers: dict[str, Callable[[], AbstractContextManager[Browser]]] = {"Chromium": chromium, "Firefox": firefox}
    for name, browser in browsers.items():
        found[f"WebAssembly, {name}"] = partial(in_window, browser, "wasm")
        found[f"JavaScript, {name}"] = partial(in_window, browser, "javascript")
    return found


def differences(found: Sequence[Came], wanted: Sequence[Came]) -> list[str]:
    """Where streams differ first."""
    pairs = enumerate(zip(found, wanted, strict=True))
    return [f"stream {place}: {wrong}" for place, (one, other) in pairs if (wrong := one.difference(other))]


def main() -> None:
    """Write, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--models", nargs="*", default=[""])
    parser.add_argument("--runtimes", nargs="*", default=[""])
    parsed = parser.parse_args()
    failed = False
    print("| model | runtime | streams × characters | ids and bits | seconds |\n|---|---|---|---|---|")
    for kind, config in FULL.items():
        if not any(word in kind for word in parsed.models):
            continue
        model = packed(config)
        work = [job for draw in DRAWS.values() for job in jobs(config, draw, seeds=parsed.seeds, length=parsed.length)]
        began = time.perf_counter()
        wanted = in_numpy(model, work)
        size = f"{len(work)} × {parsed.length:,}"
        print(f"| {kind} | NumPy | {size} | held against | {time.perf_counter() - began:.0f} |", flush=True)
        for name, run in runtimes().items():
            if not any(word in name for word in parsed.runtimes):
                continue
            began = time.perf_counter()
            try:
                with tempfile.TemporaryDirectory() as folder:
                    wrong = differences(run(model, work, Path(folder)), wanted)
                told = "equal" if not wrong else f"**{len(wrong)} differ**: {wrong[0]}"
                failed |= bool(wrong)
            except pytest.skip.Exception as reason:
                told = f"not here: {reason}"
            print(f"| {kind} | {name} | {size} | {told} | {time.perf_counter() - began:.0f} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
