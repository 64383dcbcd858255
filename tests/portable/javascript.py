"""Portable 1 in Node beside its mirror in NumPy: the same job for both, and what came of it in the same form."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import understudy
from understudy.generation.engine import EngineState, Trace
from understudy.generation.portable.mirror import Mirror
from understudy.generation.portable.packing import Packed
from understudy.generation.sampling import Sampling, uniforms

SCRIPT = Path(understudy.__file__).parent / "generation" / "portable" / "portable.js"


@dataclass(frozen=True)
class Job:
    """What one stream is to do.

    Attributes:
        seed: its random numbers.
        prompt: ids that it reads first.
        length: how many it draws then.
        sampling: how.
    """

    seed: int
    prompt: tuple[int, ...]
    length: int
    sampling: Sampling


@dataclass(frozen=True)
class Came:
    """What came of a job: ids, a digest of logits and h after each of its steps, and the bits at its end."""

    ids: list[int]
    steps: str
    state: list[str]
    logits: str


def node() -> str:
    """Node's program; the test is skipped where there is none."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("no Node here")
    return found


def settings_of(sampling: Sampling) -> dict[str, Any]:
    return {"temperature": sampling.temperature, "topK": sampling.top_k, "topP": sampling.top_p}


def in_node(packed: Packed, jobs: Sequence[Job], folder: Path, **more: Any) -> list[Came]:
    """What the JavaScript gives; `more` goes to each stream."""
    model = folder / "packed.bin"
    model.write_bytes(packed.to_bytes())
    streams = [
        {
            "seed": [job.seed & 0xFFFFFFFF, job.seed >> 32],
            "prompt": job.prompt,
            "length": job.length,
            "settings": settings_of(job.sampling),
            **more,
        }
        for job in jobs
    ]
    program = Path(__file__).with_name("portable_in_node.js")
    done = subprocess.run(
        [node(), str(program), str(SCRIPT)],
        input=json.dumps({"model": str(model), "streams": streams}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Came(**stream) for stream in json.loads(done.stdout)]


def in_numpy(packed: Packed, jobs: Sequence[Job]) -> list[Came]:
    """What the mirror gives; all jobs are of the same lengths."""
    mirror, config = Mirror(packed), packed.config
    streams, length, read = len(jobs), jobs[0].length, len(jobs[0].prompt)
    assert {(job.length, len(job.prompt)) for job in jobs} == {(length, read)}
    state: EngineState = tuple(np.zeros((streams, width), np.float32) for part in config.state_widths for width in part)
    logits = np.zeros((streams, config.vocabulary), np.float32)

    def trace(steps: int) -> Trace:
        return Trace(
            np.empty((steps, streams, config.vocabulary), np.float32),
            np.empty((steps, config.layers, streams, config.units), np.float32),
        )

    sampling = [job.sampling for job in jobs]
    prompts = np.array([job.prompt for job in jobs], np.int64).T
    first, second = trace(read), trace(length)
    _, logits, state = mirror.run(logits, state, prompts, None, sampling, first)
    chances = np.stack([uniforms(job.seed, 0, length) for job in jobs], 1)
    ids, logits, state = mirror.run(logits, state, None, chances, sampling, second)
    came = []
    for stream in range(streams):
        digest = hashlib.sha256()
        for part in (first, second):
            assert part.logits is not None
            assert part.hidden is not None
            for step, hidden in zip(part.logits[:, stream], part.hidden[:, :, stream], strict=True):
                digest.update(step.tobytes() + hidden.tobytes())
        bits = [part[stream].tobytes().hex() for part in state]
        came.append(Came(ids[:, stream].tolist(), digest.hexdigest(), bits, logits[stream].tobytes().hex()))
    return came
