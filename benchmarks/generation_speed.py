"""Generation speed: Understudy's public API beside PyTorch, and TensorFlow where an environment for it is given.

    python benchmarks/generation_speed.py [--rounds 5] [--peers ../shared/peers --tf-python TF/bin/python]

The tutorial's model (65 characters, embedding 256, GRU 1024), untrained; temperature 0.8 and top-p 0.95; one stream and
64. The peers draw from the whole softmax, which is less work. All take turns, round by round; a ratio is the median
over rounds of the ratio within a round, with the smallest and the largest.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from understudy.api import Model
from understudy.generation.sampling import Sampling
from understudy.generation.stream import Plan
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

CHARACTERS = {1: 20_000, 64: 1_000}


def tutorial_model() -> ModelFile:
    """The tutorial's model with weights of a usual size."""
    chance = np.random.default_rng(0)
    config = ModelConfig("gru", 65, 256, 1024, 1)
    shapes = config.shapes().items()
    tensors = {name: chance.normal(0, 0.03, shape).astype(np.float32) for name, shape in shapes}
    characters = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return ModelFile(config, Vocabulary.of_text(characters), {}, tensors)


def understudy(model: Model, streams: int) -> float:
    """Characters a second through the public API."""
    plan = Plan(CHARACTERS[streams], Sampling(0.8, top_p=0.95))
    writing = model.writing(model.start("QUEENE:", seed=1), streams, plan)
    began = time.perf_counter()
    for _ in writing:
        pass
    return streams * CHARACTERS[streams] / (time.perf_counter() - began)


def peer(python: str, script: Path, name: str, streams: int) -> float:
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
    parser.add_argument("--peers", type=Path, default=Path("../shared/peers"))
    parser.add_argument("--tf-python")
    parsed = parser.parse_args()
    script = parsed.peers / "generate_speed.py"
    contestants = {"torch-fp32": sys.executable, "torch-bf16": sys.executable}
    if parsed.tf_python:
        contestants |= {"tf-graph": parsed.tf_python, "tf-eager": parsed.tf_python}
    models = {name: Model(tutorial_model(), precision=name) for name in ("int8", "float32")}
    print(
        "| streams | contestant | characters a second | Understudy (int8) is so many times as fast |\n|---|---|---|---|"
    )
    for streams in CHARACTERS:
        speeds: dict[str, list[float]] = {}
        for model in models.values():
            understudy(model, streams)
        for _ in range(parsed.rounds):
            for precision, model in models.items():
                speeds.setdefault(f"Understudy, {precision}", []).append(understudy(model, streams))
            for name, python in contestants.items():
                if name != "tf-eager" or streams == 1:
                    speeds.setdefault(name, []).append(peer(python, script, name, streams))
        ours = speeds["Understudy, int8"]
        for name, values in speeds.items():
            ratios = [mine / other for mine, other in zip(ours, values, strict=True)]
            shown = f"{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})" if values is not ours else ""
            print(f"| {streams} | {name} | {median(values):,.0f} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
