"""Loss against time: `understudy train` on a text for given seconds, beside nanoGPT's figures.

    python benchmarks/quality.py TEXT --into quality.jsonl [--seconds 10 60 300] [--seeds 3] [--dynamic 300]
        [--peer 100] [--plot SVG] [--as avx2]

Each run is the command as users give it, with nothing but the time and the seed: reading, measuring and evaluating are
in the time. The last tenth of the text is held back, as `int(0.9 * n)`; the median over the seeds, with the smallest
and the largest. Every run appends a line to the file and is not done again. With --dynamic, runs of so many seconds are
scored with dynamic evaluation too, when their time is over. With --peer, nanoGPT's recipe for a CPU is trained for so
many seconds too (benchmarks/nanogpt.py), and both are scored in windows of 64.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from commands import held_back, understudy
from processors import add_as, begin_as

from understudy.training.machine import matrix_rate, settled
from understudy.training.recipe import Recipe

PUBLISHED = ("nanoGPT, 10.65 M parameters, context 256, published", "A100, 180 s", 180, 1.4697)
ELSEWHERE = ("nanoGPT's recipe for a CPU, context 64, windows of 64", "two such cores, 100 s", 100, 1.8857)


def trained(text: str, seconds: float, seed: int, dynamic: bool) -> dict[str, Any]:
    """What the command prints, how long it took, how fast the machine was, and the model's dynamic evaluation."""
    rate = matrix_rate(settled(Recipe(precision="auto", device="cpu")))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        found = understudy(
            *("train", text, "--minutes", seconds / 60, "--seed", seed, "--from", "none"),
            *("--out", f"{folder}/run", "--quiet"),
        )
        found |= {"taken": time.perf_counter() - began, "rate": rate}
        if dynamic:
            held = held_back(Path(text), Path(folder))
            found |= {
                "dynamic": understudy("evaluate", f"{folder}/run", held, "--dynamic", "--no-baselines")["dynamic"]
            }
    return found


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{median(values):.4f} ({min(values):.4f} to {max(values):.4f})"


def table(
    text: str, seconds: list[float], seeds: int, dynamic: list[float], into: Path
) -> dict[float, list[dict[str, Any]]]:
    """Do the runs that are not done; print and give them by their seconds."""
    done = [json.loads(line) for line in into.read_text().splitlines()] if into.exists() else []
    print("| seconds asked for | it took | parameters | windowed 256, nats | streamed, nats | learning on, nats |")
    print("|---" * 6 + "|")
    found: dict[float, list[dict[str, Any]]] = {}
    for asked in seconds:
        for seed in range(seeds):
            key = {"asked": asked, "seed": seed}
            whole = [entry for entry in done if "dynamic" in entry or asked not in dynamic]
            run = next((entry for entry in whole if entry.items() >= key.items()), None)
            if run is None:
                run = key | trained(text, asked, seed, asked in dynamic)
                with into.open("a") as file:
                    print(json.dumps(run), file=file)
            found.setdefault(asked, []).append(run)
        runs = found[asked]
        windowed = spread([run["validation_loss"] for run in runs])
        streamed = spread([run["validation_loss_streamed"] for run in runs])
        took = ", ".join(f"{run['taken']:.1f}" for run in runs)
        learning = [run["dynamic"]["loss"] for run in runs if "dynamic" in run]
        cells = [
            f"{asked:g}",
            took,
            f"{runs[0]['parameters']:,}",
            windowed,
            streamed,
            spread(learning) if learning else "",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    for name, where, _, loss in (PUBLISHED, ELSEWHERE):
        print(f"| {name} | {where} | | {loss} | | |")
    rates = [run["rate"] / 1e9 for runs in found.values() for run in runs if "rate" in run]
    print(f"\nA large bfloat16 product ran at {min(rates):,.0f} to {max(rates):,.0f} billion operations a second.")
    return found


def against(text: str, seconds: float, seed: int, into: Path) -> dict[str, Any]:
    """Do the duel with nanoGPT's recipe for a CPU if it is not done; print and give it."""
    from kinds import ours
    from nanogpt import trained as nanogpt

    key = {"against": seconds, "seed": seed}
    done = [json.loads(line) for line in into.read_text().splitlines()]
    duel = next((entry for entry in done if entry.items() >= key.items()), None)
    if duel is None:
        mine = ours(Path(text), seconds, ["--seed", str(seed)], baselines=False)
        theirs = nanogpt(Path(text).read_text(encoding="utf-8"), seconds, seed)
        duel = key | {"ours": mine["loss"], "theirs": theirs["loss"], "steps": theirs["steps"]}
        with into.open("a") as file:
            print(json.dumps(duel), file=file)
    name = f"nanoGPT's recipe for a CPU, {duel['steps']:,} steps"
    print(f"| {seed} | Understudy | {duel['ours']:.4f} |\n| {seed} | {name} | {duel['theirs']:.4f} |", flush=True)
    return duel


def plot(found: dict[float, list[dict[str, Any]]], duels: list[dict[str, Any]], path: Path) -> None:
    """Draw loss against seconds."""
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.use("svg")
    figure, axes = pyplot.subplots(figsize=(7, 4))
    middles = {asked: median(run["validation_loss"] for run in runs) for asked, runs in sorted(found.items())}
    axes.plot(list(middles), list(middles.values()), "o-", color="tab:blue", label="Understudy, two CPU cores")
    _, _, seconds, loss = PUBLISHED
    axes.plot([seconds], [loss], "s", color="tab:red", label="nanoGPT, published, on an A100")
    if duels:
        losses = [median(duel[side] for duel in duels) for side in ("ours", "theirs")]
        seconds = duels[0]["against"]
        axes.plot([seconds], losses[:1], "^", color="tab:blue", label="Understudy, windows of 64")
        axes.plot([seconds], losses[1:], "^", color="tab:orange", label="nanoGPT's recipe for a CPU, windows of 64")
    axes.set_xscale("log")
    ticks = sorted({*middles, 180.0})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("nats a character, held-back text, windows of 256")
    axes.set_title("Tiny Shakespeare")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 300])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dynamic", type=float, nargs="+", default=[], metavar="SECONDS")
    parser.add_argument("--peer", type=float, metavar="SECONDS")
    parser.add_argument("--plot", type=Path)
    add_as(parser)
    parsed = parser.parse_args()
    begin_as(parsed.processor)
    found = table(parsed.text, parsed.seconds, parsed.seeds, parsed.dynamic, parsed.into)
    duels = []
    if parsed.peer:
        print(f"\n| seed | in {parsed.peer:g} seconds | windows of 64, nats |\n|---|---|---|")
        duels = [against(parsed.text, parsed.peer, seed, parsed.into) for seed in range(parsed.seeds)]
    if parsed.plot:
        plot(found, duels, parsed.plot)


if __name__ == "__main__":
    main()
