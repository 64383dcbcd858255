"""Generation speed: Understudy's public API on every path of its engine, beside the engine before it, and PyTorch.

    python benchmarks/generation_speed.py [--rounds 5] [--seconds 1] [--peers ../shared/peers --tf-python TF/bin/python]

The tutorial's model (65 characters, embedding 256, GRU 1024), untrained; temperature 0.8 and top-p 0.95; one stream and
64, with eight bits and with float32. The peer is ONNX Runtime over the exported loop (onnx_loop.py), through the same
API. With --peers, those of that folder come too, in processes of their own: they draw from the whole softmax, which is
less work; their ratio is to the peer in eight bits. All take turns of about so many seconds, round by round; a ratio is
the median over rounds of the ratio within a round, with the smallest and the largest.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from understudy.api import Model
from understudy.errors import ConfigError
from understudy.generation.portable import compiled
from understudy.generation.portable.packing import NUMBERS
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.model.paths import CHOICE
from understudy.model.recurrence.compiled import instructions
from understudy.text.vocabulary import Vocabulary

STREAMS = (1, 64)
PATHS = ("avx512-vnni", "avx512", "avx2", "neon", "plain", "numpy")
PEER = "ONNX Runtime"


def tutorial_model() -> ModelFile:
    """The tutorial's model with weights of a usual size."""
    chance = np.random.default_rng(0)
    config = ModelConfig("gru", 65, 256, 1024, 1)
    shapes = config.shapes().items()
    tensors = {name: chance.normal(0, 0.03, shape).astype(np.float32) for name, shape in shapes}
    characters = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return ModelFile(config, Vocabulary.of_text(characters), {}, tensors)


def contestants() -> dict[tuple[str, str], Model]:
    """Models that write, by their numbers and what computes: the peer, and every path that can be taken here."""
    from onnx_loop import OnnxLoop

    file = tutorial_model()
    found: dict[tuple[str, str], Model] = {}
    for numbers in reversed(NUMBERS):
        peer = Model(file, precision=numbers)
        peer.engine = OnnxLoop(file, numbers=numbers)
        found[numbers, PEER] = peer
        for path in PATHS:
            os.environ[CHOICE] = path
            model = Model(file, precision=numbers)
            try:
                model.start("", seed=1)  # which makes its engine
            except ConfigError:
                continue
            found[numbers, f"Understudy, {compiled.described(path)}"] = model
    return found


def speed(model: Model, streams: int, length: int) -> float:
    """Characters a second through the public API."""
    plan = Plan(length, Sampling(0.8, top_p=0.95))
    writing = model.writing(model.start("QUEENE:", seed=1), streams, plan)
    began = time.perf_counter()
    for _ in writing:
        pass
    return streams * length / (time.perf_counter() - began)


def elsewhere(python: str, script: Path, name: str, streams: int) -> float:
    """Characters a second of a peer, in a process of its own."""
    count = {"tf-eager": 150, "tf-graph": 1000}.get(name, 1500) // (1 if streams == 1 else 5)
    command = [python, str(script), name, "--batch", str(streams), "--characters", str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"([\d.]+) characters a second", run.stdout)
    assert found, run.stdout
    return float(found[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--tf-python")
    parsed = parser.parse_args()
    others: dict[str, str] = {}
    if parsed.peers is not None:
        others = {"torch-fp32": sys.executable}
        if "bfloat16" in instructions():  # elsewhere it takes minutes
            others["torch-bf16"] = sys.executable
        if parsed.tf_python:
            others |= {"tf-graph": parsed.tf_python, "tf-eager": parsed.tf_python}
    models = contestants()
    print("| streams | numbers | what computes | characters a second | times ONNX Runtime, of the same numbers |")
    print("|---|---|---|---|---|")
    for streams in STREAMS:
        lengths = {}
        for key, model in models.items():
            speed(model, streams, 8)
            lengths[key] = max(8, int(parsed.seconds * speed(model, streams, 32) / streams))
        speeds: dict[tuple[str, str], list[float]] = {}
        for _ in range(parsed.rounds):
            for key, model in models.items():
                speeds.setdefault(key, []).append(speed(model, streams, lengths[key]))
            for name, python in others.items():
                if name != "tf-eager" or streams == 1:
                    found = elsewhere(python, parsed.peers / "generate_speed.py", name, streams)
                    speeds.setdefault(("its own", name), []).append(found)
        for (numbers, name), values in speeds.items():
            shown = ""
            if name != PEER:
                pairs = zip(values, speeds[numbers if numbers in NUMBERS else "int8", PEER], strict=True)
                ratios = [mine / other for mine, other in pairs]
                shown = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"| {streams} | {numbers} | {name} | {median(values):,.0f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
