"""Draw what the rules of the automatic choice come from: sizes against time, and sizes against kinds of text.

    python benchmarks/choice_plot.py SVG [--sweep measured/sweep.jsonl] [--kinds measured/kinds.jsonl]

The sweep is written by benchmarks/recipe_search.py with `--only "128 units" "256 units" ...` and different `--seconds`,
the kinds by benchmarks/kinds.py. Both are read from benchmarks/measured/ unless said otherwise.
"""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from kinds import streamed

MEASURED = Path(__file__).parent / "measured"
COLOURS = {0.0: "tab:orange", 0.3: "tab:green"}


def entries(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of measurements."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sizes_against_time(axes: Any, sweep: list[dict[str, Any]]) -> None:
    """One line a size: seconds, and the streamed loss that they came to."""
    found: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for entry in sweep:
        named = re.fullmatch(r"(\d+) units", entry["name"])
        if named and entry["flags"][0] == "--minutes":
            seconds = round(60 * float(entry["flags"][1]))
            found[int(named[1])][seconds].append(entry["validation_loss_streamed"])
    for size, losses in sorted(found.items()):
        seconds_and_loss = sorted((seconds, median(values)) for seconds, values in losses.items())
        axes.plot(*zip(*seconds_and_loss, strict=True), "o-", label=f"{size} units")
    ticks = sorted({seconds for losses in found.values() for seconds in losses})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(title="Tiny Shakespeare's training part", xlabel="seconds", ylabel="nats a character, streamed")
    axes.legend()


def sizes_of(axes: Any, name: str, of_text: list[dict[str, Any]]) -> None:
    """One text: the fixed settings by their size, and what was chosen, beside the best of them all."""
    least = min(map(streamed, of_text))
    lines: dict[float, list[tuple[int, float]]] = defaultdict(list)
    for entry in of_text:
        above = streamed(entry) - least
        if fixed := re.fullmatch(r"(\d+) units, dropout ([\d.]+)", entry["contestant"]):
            lines[float(fixed[2])].append((int(fixed[1]), above))
        else:
            axes.axhline(above, color="tab:blue", linestyle="--", label="chosen")
    for dropout, places in sorted(lines.items()):
        axes.plot(*zip(*sorted(places), strict=True), "o-", color=COLOURS.get(dropout), label=f"dropout {dropout:.0%}")
    axes.set(title=name, xscale="log", xlim=(110, 600), ylim=(-0.01, 0.25))
    axes.set_xticks([128, 256, 512], ["128", "256", "512"])
    axes.minorticks_off()


def main() -> None:
    """Draw."""
    import matplotlib as mpl
    from matplotlib import pyplot

    mpl.use("svg")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--sweep", type=Path, default=MEASURED / "sweep.jsonl")
    parser.add_argument("--kinds", type=Path, default=MEASURED / "kinds.jsonl")
    parsed = parser.parse_args()
    by_text: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries(parsed.kinds):
        if "validation_loss_streamed" in entry and entry["seed"] == 0:
            by_text[entry["text"]].append(entry)
    texts = {name: found for name, found in by_text.items() if len(found) > 1}
    kinds = sorted({name.split("-")[0] for name in texts})
    sizes = [size for size in ("20kb", "100kb", "1mb", "5mb") if any(name.endswith(f"-{size}") for name in texts)]
    figure = pyplot.figure(figsize=(2.2 * max(3, len(kinds)), 4 + 2 * len(sizes)))
    grid = figure.add_gridspec(1 + len(sizes), max(1, len(kinds)), height_ratios=[2.2] + [1.0] * len(sizes))
    sizes_against_time(figure.add_subplot(grid[0, :]), entries(parsed.sweep))
    for row, size in enumerate(sizes, 1):
        for column, kind in enumerate(kinds):
            if found := texts.get(f"{kind}-{size}"):
                axes = figure.add_subplot(grid[row, column])
                sizes_of(axes, f"{kind}, {size[:-2]} {size[-2:].upper()}", found)
                axes.tick_params(labelleft=column == 0)
                if (row, column) == (1, 0):
                    axes.legend(fontsize="x-small")
                    axes.set_ylabel("nats above\nthe best", fontsize="small")
                if row == len(sizes):
                    axes.set_xlabel("units")
    figure.tight_layout()
    figure.savefig(parsed.svg)


if __name__ == "__main__":
    main()
