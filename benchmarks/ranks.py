"""Two processes that share one training, against one; and over networks of a known rate, against a formula.

    python benchmarks/ranks.py TEXT [--rounds 3] [--steps 60] [--networks] [--svg docs/scaling.svg]

TEXT is learned from nothing, with the same global batch: by one process of two threads, and by two of one thread that
meet over gloo on this machine, in turns; a ratio is of the round's two, the table has medians with the smallest and the
largest. With `--networks` (root and iproute2) two network namespaces are joined by a pair of devices that carry 100
Mbit, then 1 Gbit a second; a step over them stands beside docs/scale.md's local + 8 P (N - 1) / N / W, where local is
what a process takes for half of the lanes beside another that does the same, P the parameters, and W the bytes a second
that are left for data. With `--svg` the same formula, with the latency of a ring, is drawn for 8, 64 and
512 processes.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from training_speed import spread

UNDERSTUDY = (sys.executable, "-m", "understudy")
QUIET = ("--validation", "0.01", "--evaluate-every", "1000000", "--checkpoint-every", "1000000", "--quiet")
LSTM = ("--from", "none", "--dropout", "0", "--ngrams", "0", "--learning-rate", "0.003", "--sequence-length", "64")
MODELS: dict[str, tuple[str, ...]] = {
    "the tutorial's GRU, 1,024 units, Adam": ("--preset", "tutorial"),
    "LSTM of 128 units, Muon": (*LSTM, "--units", "128", "--batch-size", "32"),
    "LSTM of 256 units, Muon": (*LSTM, "--units", "256", "--batch-size", "32"),
    "LSTM of 512 units, Muon": (*LSTM, "--units", "512", "--batch-size", "32"),
    "LSTM of 512 units, AdamW": (*LSTM, "--units", "512", "--batch-size", "32", "--optimizer", "adamw"),
    "LSTM of 1,024 units, Muon": (*LSTM, "--units", "1024", "--batch-size", "32"),
}
CARRIED = 0.95
"""Of what a network carries, so much is data: the rest are the headers of Ethernet, IP and TCP."""
LATENCY = 5e-5
"""Seconds for one of a ring's steps, as between hosts of one switch; on this machine it is a third of that."""
PLACES = (("ua", "va", "10.77.0.1"), ("ub", "vb", "10.77.0.2"))
RATES = {"100 Mbit": 100e6, "1 Gbit": 1e9}


def started(folder: Path, *arguments: str, before: Sequence[str] = (), **world: Any) -> "subprocess.Popen[str]":
    """One process of a training, whose folder is `folder`."""
    environment = {**os.environ, **{name: str(value) for name, value in world.items()}}
    command = [*before, *UNDERSTUDY, "train", *arguments, "--out", str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finished(processes: "list[subprocess.Popen[str]]") -> None:
    """Wait for them.

    Raises:
        SystemExit: one failed.
    """
    said = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("\n".join(said))


def characters_a_second(folder: Path) -> float:
    """The median of a run's reports, but for the first."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()[1:]
    return float(median(json.loads(line)["characters_per_second"] for line in lines))


def alone(text: Path, folder: Path, steps: int, model: Sequence[str], threads: int = 2) -> float:
    """Characters a second of one process."""
    finished([started(folder, str(text), *QUIET, *model, "--steps", str(steps), "--threads", str(threads))])
    return characters_a_second(folder)


def shared(
    text: Path, folder: Path, steps: int, model: Sequence[str], places: Sequence[tuple[str, str, str]] = ()
) -> float:
    """Characters a second of two processes of one thread, in two network namespaces where these are named."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    processes = []
    for rank in (0, 1):
        before: tuple[str, ...] = ()
        world = {}
        if places:
            name, device, _ = places[rank]
            before, world = ("ip", "netns", "exec", name), {"GLOO_SOCKET_IFNAME": device}
        address = places[0][2] if places else "127.0.0.1"
        world |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": address, "MASTER_PORT": str(port)}
        arguments = (str(text), *QUIET, *model, "--steps", str(steps), "--threads", "1")
        processes.append(started(folder, *arguments, before=before, **world))
    finished(processes)
    return characters_a_second(folder)


@contextmanager
def joined() -> Iterator[None]:
    """Two network namespaces with a pair of devices between them, which go at the end."""

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)

    (first, one, _), (second, other, _) = PLACES
    try:
        for name, _, _ in PLACES:
            ip("netns", "add", name)
        ip("link", "add", one, "netns", first, "type", "veth", "peer", "name", other, "netns", second)
        for name, device, address in PLACES:
            ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name, _, _ in PLACES:
            subprocess.run(["ip", "netns", "del", name], check=False)


def limit(rate: float) -> None:
    """Let both devices send so many bits a second."""
    for name, device, _ in PLACES:
        bucket = ["root", "tbf", "rate", f"{int(rate)}bit", "burst", "256kb", "latency", "200ms"]
        subprocess.run(["tc", "-n", name, "qdisc", "replace", "dev", device, *bucket], check=True)


def sent() -> int:
    """Bytes that the first device has sent."""
    name, device, _ = PLACES[0]
    command = ["ip", "netns", "exec", name, "cat", f"/sys/class/net/{device}/statistics/tx_bytes"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def exchange(parameters: int, count: int, rate: float, latency: float = 0.0) -> float:
    """Seconds that a ring of so many processes takes to sum gradients in float32, at `rate` bits a second."""
    return 8 * parameters * (count - 1) / count / (CARRIED * rate / 8) + 2 * (count - 1) * latency


def over_networks(text: Path, place: Path, rounds: int) -> None:
    """Print a step's time over networks beside the formula."""
    model = (*LSTM, "--units", "256", "--batch-size", "32")
    half = (*LSTM, "--units", "256", "--batch-size", "16")
    lane_steps, parameters = 32 * 64, 0
    print("\n| network | local, ms | formula, ms | measured, ms | measured / formula | bytes sent / formula |")
    print("|---|---|---|---|---|---|")
    with joined():
        for name, rate in RATES.items():
            limit(rate)
            found = []
            for number in range(rounds):
                both = [place / f"local {name} {number} {which}" for which in (0, 1)]
                steps = 40 if rate < 1e9 else 80
                arguments = (str(text), *half, *QUIET, "--steps", str(steps), "--threads", "1")
                finished([started(folder, *arguments) for folder in both])
                local = lane_steps / 2 / median(map(characters_a_second, both))
                before, folder = sent(), place / f"{name} {number}"
                speed = shared(text, folder, steps, model, PLACES)
                parameters = _parameters(folder)
                volume = 8 * parameters / 2
                formula = local + exchange(parameters, 2, rate)
                moved = (sent() - before) / steps / volume
                found.append(
                    (local * 1e3, formula * 1e3, lane_steps / speed * 1e3, lane_steps / speed / formula, moved)
                )
            local, formula, measured, _, moved = (median(column) for column in zip(*found, strict=True))
            share = spread([one[3] for one in found])
            print(f"| {name} | {local:.0f} | {formula:.0f} | {measured:.0f} | {share} | {moved:.2f} |", flush=True)


def _parameters(folder: Path) -> int:
    command = [*UNDERSTUDY, "info", str(folder), "--json"]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["parameters"])


def draw(step: float, parameters: int, path: Path) -> None:
    """The share of the ideal speed for up to 512 processes: weak scaling, each with the same number of lanes."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "understudy"
    from matplotlib import pyplot

    counts = [2**power for power in range(1, 10)]
    figure, axes = pyplot.subplots(figsize=(5, 3.6), layout="constrained")
    print("\n| processes | network | 32 lanes each | 128 lanes each |\n|---|---|---|---|")
    for rate, name in ((1e9, "1 Gbit"), (1e10, "10 Gbit"), (1e11, "100 Gbit")):
        shares = {
            lanes: [step * lanes / 32 / (step * lanes / 32 + exchange(parameters, n, rate, LATENCY)) for n in counts]
            for lanes in (32, 128)
        }
        (line,) = axes.plot(counts, shares[32], label=name)
        axes.plot(counts, shares[128], "--", color=line.get_color())
        for count in (8, 64, 512):
            cells = " | ".join(f"{shares[lanes][counts.index(count)]:.2f}" for lanes in (32, 128))
            print(f"| {count} | {name} | {cells} |")
    axes.set(xscale="log", xticks=counts, xticklabels=counts, ylim=(0, 1), xlabel="processes")
    axes.minorticks_off()
    axes.set_ylabel("share of the ideal speed")
    axes.grid(alpha=0.3)
    axes.legend(title="full: 32 lanes each\nbroken: 128", fontsize="small", title_fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--networks", action="store_true", help="over network namespaces too")
    parser.add_argument("--svg", type=Path, help="draw what the formula says of more processes")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place, step, parameters = Path(name), 0.0, 0
        print("| model | one process of two threads | two of one thread | ratio |\n|---|---|---|---|")
        for number, (title, model) in enumerate(MODELS.items()):
            one, two = [], []
            for turn in range(parsed.rounds):
                one.append(alone(parsed.text, place / f"{number} {turn} one", parsed.steps, model))
                two.append(shared(parsed.text, place / f"{number} {turn} two", parsed.steps, model))
            ratios = spread([b / a for a, b in zip(one, two, strict=True)])
            print(f"| {title} | {median(one):,.0f} | {median(two):,.0f} | {ratios} |", flush=True)
            if title == "LSTM of 512 units, Muon":
                step, parameters = 32 * 64 / median(one), _parameters(place / f"{number} 0 one")
        if parsed.networks:
            over_networks(parsed.text, place, parsed.rounds)
        if parsed.svg is not None:
            draw(step, parameters, parsed.svg)


if __name__ == "__main__":
    main()
