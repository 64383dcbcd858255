"""Measures how much memory parts of Understudy take at their most, each in a process forked after the imports.

`python -m tests.evaluation.measured_peaks NAME ...` prints one JSON object: megabytes by name, over what the process
had when its network and its text were ready.
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from understudy.evaluation import baselines
from understudy.evaluation.baselines import compressed, kneser_ney
from understudy.evaluation.calibration import calibration
from understudy.evaluation.dynamic import dynamic
from understudy.evaluation.protocols import streamed, windowed
from understudy.model.config import ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.text.encoded import Ids
from understudy.text.vocabulary import LARGEST_CODE_POINT, Vocabulary
from understudy.training.temperature import fitted

UNICODE = LARGEST_CODE_POINT + 1
Case = Callable[[], Callable[[], object]]
"""Makes what a measurement needs; what it gives is measured."""


def network(symbols: int) -> Network:
    """A network so small that its own parameters weigh little beside the logits."""
    net = Network(ModelConfig("gru", symbols, 2, 4, 1))
    initialize(net, "default", seed=1)
    return net


def text(length: int, symbols: int) -> Ids:
    return Ids(np.random.default_rng(length).integers(0, symbols, length).astype(np.uint32))


def score(read: Callable[[Network, Ids], object], length: int, symbols: int) -> Case:
    def prepared() -> Callable[[], object]:
        net, ids = network(symbols), text(length, symbols)
        return lambda: read(net, ids)

    return prepared


def step(places: int, symbols: int) -> Case:
    """The loss of one batch, and its gradients."""

    def prepared() -> Callable[[], object]:
        net, ids = network(symbols), torch.from_numpy(text(places + 8, symbols).read(0, places + 8)).view(-1, 8)
        return lambda: net.loss(ids[:-1], ids[1:], net.zero_state(8))[0].backward()  # type: ignore[no-untyped-call]

    return prepared


def counting(length: int, piece: int = baselines._PIECE) -> Case:
    def prepared() -> Callable[[], object]:
        baselines._PIECE = piece
        known, ids = text(2000, 5), Ids(np.tile(np.arange(5, dtype=np.uint8), length // 5))
        return lambda: kneser_ney(known, ids, 5)

    return prepared


def packing(length: int) -> Case:
    def prepared() -> Callable[[], object]:
        line = np.random.default_rng(3).integers(0, 256, 5000).astype(np.uint8)
        known, ids = text(2000, 5), Ids(np.tile(line, length // len(line)))
        return lambda: compressed(known, ids, Vocabulary.of_bytes())

    return prepared


CASES: dict[str, Case] = {
    "streamed": score(streamed, 3_100, 30_000),
    "streamed, long": score(streamed, 120_000, 30_000),
    "streamed, Unicode": score(streamed, 40, UNICODE),
    "windowed": score(windowed, 100, 1_000_000),
    "windowed, many": score(windowed, 4_000, 30_000),
    "temperature": score(fitted, 2_100, 30_000),
    "temperature, long": score(fitted, 120_000, 30_000),
    "calibration": score(calibration, 300, 30_000),
    "dynamic": score(lambda net, ids: dynamic(net, ids, segment=256), 257, 200_000),
    "step": step(1536, 30_000),
    "step, 300,000 symbols": step(320, 300_000),
    "counting": counting(400_000, piece=1 << 17),
    "counting, long": counting(40_000_000),
    "xz, long": packing(120_000_000),
}


def peak(case: Case) -> float:
    """In a process of its own: the most that a case had beyond what it began with, in megabytes."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        measured = case()
        before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
        measured()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        os.write(writing, str((after - before) / 1e6).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(process, 0)
    return float(answer)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({name: peak(CASES[name]) for name in sys.argv[1:]}))
