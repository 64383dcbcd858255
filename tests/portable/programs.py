"""The portable runtime, built by any compiler and run on any processor, beside its mirror in NumPy."""

import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

import understudy
from tests.portable.javascript import Job, node
from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.mirror import Drawn, Given, Mirror
from understudy.generation.portable.packing import Packed
from understudy.generation.sampling import Floats, uniforms

PORTABLE = Path(understudy.__file__).parent / "generation" / "portable"
RUNTIME, WASM = PORTABLE / "runtime", PORTABLE / "portable.wasm"
DRIVER = Path(__file__).with_name("portable_driver.c")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
NATIVE = ("-march=native",)
"""As far as this processor goes: where it can, a compiler would contract products and sums now."""


@dataclass(frozen=True)
class Target:
    """A way to a program: the compiler's name and options, and what runs its programs where this machine cannot."""

    compiler: str
    options: tuple[str, ...]
    runner: tuple[str, ...] = ()


SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
TARGETS = {
    f"{compiler} {name}": Target(compiler, options)
    for compiler in ("gcc", "clang")
    for name, options in {
        "-O0": (*STRICT, "-O0"),
        "-O3": (*STRICT, "-O3"),
        "-O3 -march=native": (*STRICT, "-O3", *NATIVE),
        "-O3 -march=native -std=gnu11": ("-std=gnu11", "-O3", *NATIVE),
        "sanitized": (*STRICT, *SANITIZED),
    }.items()
} | {
    f"aarch64 {name}": Target("aarch64-linux-gnu-gcc", (*options, "-O3", "-static"), ("qemu-aarch64",))
    for name, options in {"-O3": STRICT, "-O3 -std=gnu11": ("-std=gnu11",)}.items()
}
ORDINARY = "gcc -O3"


class Runner(Protocol):
    """What the mirror and the compiled engine have in common."""

    def run(
        self, logits: Floats, state: EngineState, symbols: Given | Drawn, trace: Trace | None = None
    ) -> tuple[NDArray[np.int64], Floats, EngineState]:
        """See `Mirror.run`."""


@dataclass(frozen=True, eq=False)
class Came:
    """What came of a job.

    Attributes:
        ids: (T,), what it drew.
        sums: (P + T,) uint32, a sum of the bits of logits and h after each step.
        state: the bits of h of every layer, and c of an LSTM, at the end.
        logits: (V,), their bits at the end.
    """

    ids: NDArray[np.uint32]
    sums: NDArray[np.uint32]
    state: NDArray[np.uint32]
    logits: NDArray[np.uint32]

    def difference(self, other: "Came") -> str | None:
        """Where two differ first; None where no bit does."""
        if len(self.sums) != len(other.sums):
            return f"{len(self.sums)} steps and {len(other.sums)}"
        if (wrong := np.flatnonzero(self.sums != other.sums)).size:
            return f"bits after step {wrong[0]} of {len(self.sums)}"
        for name in ("ids", "state", "logits"):
            if not np.array_equal(getattr(self, name), getattr(other, name)):
                return name
        return None


def build(
    target: Target,
    folder: Path,
    sources: Sequence[Path] = (DRIVER, RUNTIME / "portable.c"),
    libraries: Sequence[str] = (),
) -> list[str]:
    """The command of the program; the test is skipped where the compiler or the runner is missing."""
    for needed in (target.compiler, *target.runner[:1]):
        if shutil.which(needed) is None:
            pytest.skip(f"no {needed} here")
    program = folder / "program"
    command = [target.compiler, *target.options, f"-I{RUNTIME}", *map(str, sources), *libraries, "-o", str(program)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert not made.stderr, made.stderr
    return [*target.runner, str(program)]


def in_c(command: Sequence[str], packed: Packed, jobs: Sequence[Job], folder: Path) -> list[Came]:
    """What a program of `build` gives."""
    model, work = folder / "packed.bin", folder / "jobs.bin"
    model.write_bytes(packed.to_bytes())
    work.write_bytes(b"".join(map(job_bytes, jobs)))
    done = subprocess.run([*command, str(model), str(work)], capture_output=True, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr.decode()}"
    return results_of(done.stdout, packed, jobs)


def in_wasm(packed: Packed, jobs: Sequence[Job], folder: Path, wasm: Path = WASM) -> list[Came]:
    """What the WebAssembly gives in Node."""
    return in_c([node(), str(Path(__file__).with_name("portable_in_wasm.js")), str(wasm)], packed, jobs, folder)


def in_numpy(packed: Packed, jobs: Sequence[Job]) -> list[Came]:
    """What the mirror gives; all jobs are of the same lengths."""
    return in_slices(Mirror(packed), packed, jobs)


def in_slices(runner: Runner, packed: Packed, jobs: Sequence[Job], together: int = 16) -> list[Came]:
    """What an engine's runner gives for all jobs side by side, so many steps at a time; all are of the same lengths."""
    config, streams, length = packed.config, len(jobs), jobs[0].length
    assert {(job.length, len(job.prompt)) for job in jobs} == {(length, len(jobs[0].prompt))}
    chances = np.stack([uniforms(job.seed, 0, length) for job in jobs], 1)
    settings = [job.sampling for job in jobs]
    slices: list[Given | Drawn] = [Given(np.array([job.prompt for job in jobs], np.int64).T)]
    slices += [Drawn(chances[first : first + together], settings) for first in range(0, length, together)]
    state: EngineState = tuple(np.zeros((streams, width), np.float32) for part in config.state_widths for width in part)
    logits, ids, sums = np.zeros((streams, config.vocabulary), np.float32), [], []
    for part in slices:
        steps = part.shape[0]
        every_logits = np.empty((steps, streams, config.vocabulary), np.float32)
        every_hidden = np.empty((steps, config.layers, streams, config.units), np.float32)
        found, logits, state = runner.run(logits, state, part, Trace(every_logits, every_hidden))
        sums.append(_sums(every_logits, every_hidden))
        ids.append(found)
    layers = np.concatenate(state[:-1] if packed.ngrams else state, 1).view(np.uint32)
    drawn, every = np.concatenate(ids[1:]).astype(np.uint32), np.concatenate(sums)
    return [Came(drawn[:, one], every[:, one], layers[one], logits[one].view(np.uint32)) for one in range(streams)]


def _sums(logits: NDArray[np.float32], hidden: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Sums of the bits of each step (T, B), as the programs make them, of (T, B, V) and (T, L, B, H)."""
    bits = np.concatenate([logits, *np.moveaxis(hidden, 1, 0)], -1).view(np.uint32)
    odd = np.arange(1, bits.shape[-1] + 1, dtype=np.uint32) * np.uint32(2654435761) | np.uint32(1)
    made: NDArray[np.uint32] = (bits * odd).sum(-1, dtype=np.uint32)
    return made


def job_bytes(job: Job) -> bytes:
    """A job as the programs read it (portable_driver.c)."""
    how, prompt = job.sampling, job.prompt
    head = struct.pack("<Qdd", job.seed, how.temperature, how.top_p or 0.0)
    return head + struct.pack(f"<{4 + len(prompt)}I", how.top_k or 0, len(prompt), job.length, 0, *prompt)


def results_of(results: bytes, packed: Packed, jobs: Sequence[Job]) -> list[Came]:
    """What a program wrote that did these jobs."""
    config, numbers = packed.config, np.frombuffer(results, np.uint32)
    state = config.units * config.layers * (2 if config.cell == "lstm" else 1)
    came, place = [], 0
    for job in jobs:
        parts = []
        for count in (job.length, len(job.prompt) + job.length, state, config.vocabulary):
            parts.append(numbers[place : place + count])
            place += count
        came.append(Came(*parts))
    assert place == len(numbers)
    return came
