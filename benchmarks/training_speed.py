"""Training speed: Understudy beside PyTorch's modules, and TensorFlow where an environment for it is given.

    python benchmarks/training_speed.py [--rounds 7] [--peers ../shared/peers --tf-python TF/bin/python] [--memory]
                                        [--as avx2]

One step is a forward and a backward pass, Adam and the loss read by the host, on random ids with carried state. All
contestants of a case take turns, round by round, in a process of the case's own (TensorFlow in another); a ratio is the
median over rounds of the ratio within a round, with the smallest and the largest. The limit is the time that the
necessary operations take at the best rate of a large product measured in the same rounds, of two shapes: 6 operations a
character and recurrent or output weight, and 6 for each input weight of the layers above the first (the first layer's
input product is a table). Cases in bfloat16 are left out where the processor has no instructions for it: PyTorch takes
minutes a step there.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from processors import add_as, begin_as
from torch import nn
from torch.nn import functional as F

from understudy.model.config import Cell, ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Network
from understudy.model.recurrence.compiled import multiplies_bfloat16
from understudy.text.batches import Lanes
from understudy.text.encoded import Ids
from understudy.training.loop import Trainer
from understudy.training.recipe import Recipe
from understudy.training.schedule import Schedule

STEPS_A_ROUND = 3


@dataclass(frozen=True)
class Case:
    """A model and a batch."""

    name: str
    cell: Cell
    embedding: int
    units: int
    layers: int
    batch: int
    length: int
    precision: str
    vocabulary: int = 65
    device: str = "cpu"

    @property
    def operations(self) -> float:
        """Necessary operations a character."""
        G = 3 if self.cell == "gru" else 4
        recurrent = self.layers * G * self.units**2
        above = (self.layers - 1) * G * self.units**2
        return 6.0 * (recurrent + above + self.units * self.vocabulary)


CASES = [
    Case("tutorial's GRU 1024, bfloat16", "gru", 256, 1024, 1, 64, 100, "bfloat16"),
    Case("tutorial's GRU 1024, float32", "gru", 256, 1024, 1, 64, 100, "float32"),
    Case("LSTM 512, bfloat16", "lstm", 128, 512, 1, 32, 64, "bfloat16"),
    Case("2 x LSTM 512, bfloat16", "lstm", 128, 512, 2, 32, 64, "bfloat16"),
    Case("LSTM 512, float32", "lstm", 128, 512, 1, 32, 64, "float32"),
    Case("2 x LSTM 512, float32", "lstm", 128, 512, 2, 32, 64, "float32"),
]


def cases() -> list[Case]:
    """Those that this processor has the instructions for."""
    return [case for case in CASES if case.precision == "float32" or multiplies_bfloat16()]


def understudy_step(case: Case, **settings: Any) -> Callable[[], object]:
    """One step of the product's own loop, with Adam or as the settings of a recipe say."""
    config = ModelConfig(case.cell, case.vocabulary, case.embedding, case.units, case.layers)
    network = Network(config, precision=getattr(torch, case.precision), device=case.device)
    initialize(network, "default", 0)
    recipe = Recipe(
        cell=case.cell,
        units=case.units,
        layers=case.layers,
        embedding=case.embedding,
        device=case.device,  # type: ignore[arg-type]
        precision=case.precision,  # type: ignore[arg-type]
        batch_size=case.batch,
        sequence_length=case.length,
        optimizer="adam",
        clip=0.0,
    ).with_settings(**settings)
    text = np.random.default_rng(0).integers(0, case.vocabulary, case.batch * case.length * 50 + 1)
    batches = Lanes(Ids(text.astype(np.uint8)), case.batch, case.length)
    steps = Trainer(network, recipe, Schedule(1 << 40, 0, 1 << 40, 1 << 40), batches, None).run()
    return lambda: next(steps)


def torch_step(case: Case) -> Callable[[], object]:
    """One step of PyTorch's module, under autocast for 16 bits: what the peers' script measures.

    On a GPU, the loss is not waited for, and there is no scaling of it in float16.
    """
    V, E, H, T, B = case.vocabulary, case.embedding, case.units, case.length, case.batch
    embedding, dense = nn.Embedding(V, E, device=case.device), nn.Linear(H, V, device=case.device)
    rnn = getattr(nn, case.cell.upper())(E, H, case.layers, device=case.device)
    parameters = [*embedding.parameters(), *rnn.parameters(), *dense.parameters()]
    adam = torch.optim.Adam(parameters, fused=True)
    x, y = (torch.randint(0, V, shape, device=case.device) for shape in ((T, B), (T * B,)))
    carried: list[object] = [None]
    halves = case.precision != "float32"

    def step() -> object:
        with torch.autocast(case.device, getattr(torch, case.precision) if halves else torch.bfloat16, enabled=halves):
            out, new = rnn(embedding(x), carried[0])
            logits = dense(out)
        loss = F.cross_entropy(logits.float().view(-1, V), y)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        carried[0] = new.detach() if torch.is_tensor(new) else tuple(part.detach() for part in new)
        return loss.item() if case.device == "cpu" else loss

    return step


def timed(step: Callable[[], object], steps: int = STEPS_A_ROUND) -> float:
    """Median seconds of a step."""
    seconds = []
    for _ in range(steps):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def best_rate(precision: str) -> float:
    """Operations a second of the better of two large products: a cube, and the tutorial's gradient of 100 steps."""
    kind = getattr(torch, precision)
    found = []
    for rows, inner, columns in ((2048, 2048, 2048), (3072, 6400, 1024)):
        a, b = torch.randn(inner, rows).to(kind).t(), torch.randn(inner, columns).to(kind)
        out = torch.empty(rows, columns, dtype=kind)
        found.append(2 * rows * inner * columns / timed(partial(torch.mm, a, b, out=out)))
    return max(found)


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def tensorflow(script: Path, python: str, peer: str) -> float:
    """Characters a second of a TensorFlow peer, in a process of its own."""
    run = subprocess.run([python, str(script), peer], capture_output=True, text=True, check=True)
    found = re.search(r"([\d.]+) characters a second", run.stdout)
    assert found, run.stdout
    return float(found[1])


def compare(case: Case, rounds: int, peers: Path | None, tf_python: str | None) -> None:
    """Print one case's rows."""
    ours, theirs = understudy_step(case), torch_step(case)
    for step in (ours, theirs):
        timed(step, 2)
    best_rate(case.precision)
    characters = case.batch * case.length
    seconds: dict[str, list[float]] = {"ours": [], "theirs": [], "limit": [], "tf-graph": [], "tf-eager": []}
    for number in range(rounds):
        rate = best_rate(case.precision)
        seconds["ours"].append(timed(ours))
        seconds["theirs"].append(timed(theirs))
        rate = max(rate, best_rate(case.precision))
        seconds["limit"].append(case.operations * characters / rate)
        if peers and tf_python and case.units == 1024 and number < 3:
            for peer in ("tf-graph", "tf-eager") if case.precision == "bfloat16" else ():
                seconds[peer].append(characters / tensorflow(peers / "train_speed.py", tf_python, peer))
    names = {
        "ours": "Understudy",
        "theirs": f"nn.{case.cell.upper()}" + (", autocast" if case.precision == "bfloat16" else ""),
        "tf-graph": "TensorFlow, compiled",
        "tf-eager": "TensorFlow, eager (the tutorial)",
        "limit": "the limit",
    }
    for key, values in seconds.items():
        if values:
            ratios = [other / mine for other, mine in zip(values, seconds["ours"], strict=False)]
            shown = "" if key == "ours" else spread(ratios)
            print(f"| {case.name} | {names[key]} | {characters / median(values):,.0f} | {shown} |", flush=True)


def peak_memory(which: str, case: Case) -> None:
    """Train a few steps and print this process's peak resident memory."""
    step = understudy_step(case) if which == "understudy" else torch_step(case)
    for _ in range(4):
        step()
    # not getrusage: its figure is inherited from the process that started this one
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def compare_memory() -> None:
    """Print the peak resident memory of both, each in a process of its own."""
    print("\n| model | Understudy, MiB | PyTorch, MiB | ratio |\n|---|---|---|---|")
    for place, case in enumerate(CASES):
        if case not in cases():
            continue
        peaks = []
        for which in ("understudy", "torch"):
            command = [sys.executable, __file__, "--peak", which, str(place)]
            peaks.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        print(f"| {case.name} | {peaks[0]:,.0f} | {peaks[1]:,.0f} | {peaks[0] / peaks[1]:.2f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--tf-python")
    parser.add_argument("--memory", action="store_true")
    add_as(parser)
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--only-memory", action="store_true")
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.peak:
        peak_memory(parsed.peak[0], CASES[int(parsed.peak[1])])
        return
    if parsed.case is not None:
        compare(CASES[parsed.case], parsed.rounds, parsed.peers, parsed.tf_python)
        return
    begin_as(parsed.processor)
    if parsed.only_memory:
        compare_memory()
        return
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {parsed.rounds} rounds\n")
    print("| model | contestant | characters a second | Understudy is so many times as fast |\n|---|---|---|---|")
    sys.stdout.flush()
    for place, case in enumerate(CASES):
        if parsed.only in case.name and case in cases():
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--case", str(place)], check=True)
    if parsed.memory:
        compare_memory()


if __name__ == "__main__":
    main()
