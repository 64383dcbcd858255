"""All that is to be measured on a GPU, in one command: training, writing, and what a minute of learning comes to.

    python benchmarks/gpu.py [TEXT] [--rounds 5] [--device cuda]

Training: the tutorial's model and an LSTM, Understudy's recorded step beside PyTorch's modules in every type, in
characters a second; all take turns, and a ratio is the median over rounds of the ratio within a round. Writing: the
tutorial's model through the public API, one stream and 64. With a TEXT: `understudy train TEXT` for 15 seconds and for
3 minutes, held-back nats a character. `--device cpu` runs the same on a CPU, to try the script where there is no GPU.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch
from commands import understudy
from generation_speed import speed, tutorial_model
from training_speed import CASES, Case, spread, torch_step, understudy_step

from understudy.api import Model

ROUND_SECONDS = 1.0
TYPES = ("float32", "bfloat16", "float16")


def a_second(step: Callable[[], object], case: Case) -> float:
    """Characters a second of a step that may run ahead."""
    wait = torch.cuda.synchronize if case.device == "cuda" else int
    wait()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < ROUND_SECONDS:
        for _ in range(10 if case.device == "cuda" else 1):
            step()
            steps += 1
        wait()
    return steps * case.batch * case.length / (time.perf_counter() - began)


def training(case: Case, rounds: int) -> None:
    """Print one model's rows: our two types, and the module in three, float32 with TF32 products."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    contestants = {f"Understudy, {kind}": understudy_step(replace(case, precision=kind)) for kind in TYPES[:2]}
    module = f"nn.{case.cell.upper()}"
    kinds = TYPES if case.device == "cuda" else TYPES[:2]  # a CPU takes minutes for a step in float16
    contestants |= {f"{module}, {kind}": torch_step(replace(case, precision=kind)) for kind in kinds}
    for step in contestants.values():
        for _ in range(3):
            step()
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, step in contestants.items():
            speeds[name].append(a_second(step, case))
    ours = speeds["Understudy, bfloat16"]
    for name, values in speeds.items():
        ratios = [mine / other for mine, other in zip(ours, values, strict=True)]
        shown = spread(ratios) if values is not ours else ""
        print(f"| {case.name} | {name} | {median(values):,.0f} | {shown} |", flush=True)


def writing(device: str, rounds: int) -> None:
    """Print the rows of writing."""
    models = {
        f"Understudy, {device}, float32": Model(tutorial_model(), precision="float32", device=device),  # type: ignore[arg-type]
        "Understudy, this machine's CPU, int8": Model(tutorial_model()),
    }
    for streams, length in {1: 20_000, 64: 1_000}.items():
        for name, model in models.items():
            speed(model, streams, length)
            speeds = [speed(model, streams, length) for _ in range(rounds)]
            print(f"| {streams} | {name} | {median(speeds):,.0f} |", flush=True)


def learning(text: str, device: str) -> None:
    """Print the rows of quality against time."""
    for seconds in (15, 180):
        with tempfile.TemporaryDirectory() as folder:
            flags = ["--minutes", seconds / 60, "--device", device, "--out", f"{folder}/run", "--quiet"]
            began = time.perf_counter()
            found = understudy("train", text, "--from", "none", *flags)
            taken = time.perf_counter() - began
        losses = f"{found['validation_loss']:.4f} | {found['validation_loss_streamed']:.4f}"
        print(f"| {seconds} | {taken:.1f} | {found['parameters']:,} | {losses} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parsed = parser.parse_args()
    name = torch.cuda.get_device_name() if parsed.device == "cuda" else "the CPU"
    print(f"PyTorch {torch.__version__}, {name}, {parsed.rounds} rounds\n")
    print("| model | contestant | characters a second | Understudy in bfloat16 is so many times as fast |")
    print("|---|---|---|---|")
    for case in (CASES[0], CASES[2]):
        bare = case.name.split(",")[0]
        training(replace(case, name=bare, device=parsed.device), parsed.rounds)
    print("\n| streams | contestant | characters a second |\n|---|---|---|")
    writing(parsed.device, parsed.rounds)
    if parsed.text:
        print("\n| seconds asked for | it took | parameters | windowed 256, nats | streamed, nats |")
        print("|---|---|---|---|---|")
        learning(parsed.text, parsed.device)


if __name__ == "__main__":
    main()
