"""All that is to be measured on a GPU, in one command: training, writing, and what a minute of learning comes to.

    python benchmarks/gpu.py [TEXT] [--rounds 5] [--device cuda]

Training: the tutorial's model and an LSTM, Understudy's recorded step beside PyTorch's modules in every type, in
characters a second; all take turns, and a ratio is the median over rounds of the ratio within a round. Then how long
a step of `--preset auto` takes by its size, which `runs/estimate.py` is fitted to. Writing: the tutorial's model by
the public API, one stream and 64. With a TEXT: `understudy train TEXT` for 15 seconds and for
3 minutes, from nothing and as it finds best, nats a character of all that was held back; a run ends sooner where more
would only teach it the text by heart. `--device cpu` runs the same on a CPU, to try the script where there is no GPU.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from commands import understudy
from generation_speed import speed, tutorial_model
from head_start import COLUMNS, losses
from training_speed import CASES, Case, spread, torch_step, understudy_step

from understudy.api import Model
from understudy.model import file

ROUND_SECONDS = 1.0
WARM, STEPS = 10, {"cuda": 200, "cpu": 3}
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


def steps(device: str) -> None:
    """Print the rows of steps as `--preset auto` takes them: Muon, dropout, the running mean of the weights."""
    wait = torch.cuda.synchronize if device == "cuda" else int
    sizes = [(units, 1, lanes) for units in (128, 384, 768, 1024) for lanes in (32, 64)] + [(384, 2, 32), (768, 2, 64)]
    for units, layers, lanes in sizes:
        case = Case("", "lstm", 128, units, layers, lanes, 64, "bfloat16", device=device)
        step = understudy_step(case, optimizer="muon", dropout=0.3, average=0.98, learning_rate=1e-6)
        for _ in range(WARM):
            step()
        wait()
        began = time.perf_counter()
        for _ in range(STEPS[device]):
            step()
        wait()
        taken = (time.perf_counter() - began) / STEPS[device]
        print(f"| {units} | {layers} | {lanes} | {1e3 * taken:.2f} | {lanes * 64 / taken:,.0f} |", flush=True)


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


def learning(text: Path, device: str) -> None:
    """Print the rows of quality against time."""
    for seconds in (15, 180):
        for column in ("nothing", "auto"):
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder, "run")
                flags = ["--minutes", seconds / 60, "--device", device, "--out", run, "--quiet", *COLUMNS[column]]
                began = time.perf_counter()
                found = understudy("train", text, *flags)
                taken = time.perf_counter() - began
                model = file.read(run)
                scores = " | ".join(f"{loss:.4f}" for loss in losses(model, text).values())
            beginning = (model.training.get("origin") or {}).get("model", "nothing")
            cells = f"{seconds} | {beginning} | {taken:.1f} | {found['parameters']:,} | {found['epochs']:.1f}"
            print(f"| {cells} | {scores} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", type=Path)
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
    print("\n| units | layers | lanes of 64 | ms a step | characters a second |\n|---|---|---|---|---|")
    steps(parsed.device)
    print("\n| streams | contestant | characters a second |\n|---|---|---|")
    writing(parsed.device, parsed.rounds)
    if parsed.text:
        print(
            "\n| seconds asked for | began from | it took | parameters | passes | windowed 256, nats | streamed, nats |"
        )
        print("|---|---|---|---|---|---|---|")
        learning(parsed.text, parsed.device)


if __name__ == "__main__":
    main()
