"""How the cost of training grows with the model: units, layers and both cells, beside PyTorch's modules.

    python benchmarks/size_sweep.py [--plot docs/size-sweep.svg] [--precision float32] [--as avx2]

32 lanes of 64 characters, embedding 128, 65 symbols, in bfloat16 unless told; the median of three steps each. Where a
size's ratio is below one in the first round, two more follow, and the middle one counts.
"""

import argparse
from pathlib import Path
from typing import get_args

from processors import add_as, begin_as
from training_speed import Case, timed, torch_step, understudy_step

from understudy.model.config import Cell

UNITS, LAYERS = (128, 256, 512, 1024, 2048), (1, 2, 3)


def main() -> None:
    """Print the table; draw it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    add_as(parser)
    parsed = parser.parse_args()
    begin_as(parsed.processor)
    found: dict[tuple[Cell, int], list[tuple[float, float]]] = {}
    print("| cell | layers | units | Understudy, characters/s | PyTorch's module | ratio |\n|---|---|---|---|---|---|")
    for cell in get_args(Cell):
        for layers in LAYERS:
            for units in UNITS:
                case = Case("", cell, 128, units, layers, 32, 64, parsed.precision)
                ours, theirs = understudy_step(case), torch_step(case)
                timed(ours, 2), timed(theirs, 2)
                rounds = [(32 * 64 / timed(ours), 32 * 64 / timed(theirs))]
                while len(rounds) in (1, 2) and min(mine / other for mine, other in rounds) < 1:
                    rounds.append((32 * 64 / timed(ours), 32 * 64 / timed(theirs)))
                speeds = sorted(rounds, key=lambda pair: pair[0] / pair[1])[len(rounds) // 2]
                found.setdefault((cell, layers), []).append(speeds)
                print(
                    f"| {cell.upper()} | {layers} | {units:,} | {speeds[0]:,.0f} | {speeds[1]:,.0f} "
                    f"| {speeds[0] / speeds[1]:.2f} |",
                    flush=True,
                )
    if parsed.plot:
        draw(found, parsed.plot)


def draw(found: dict[tuple[Cell, int], list[tuple[float, float]]], path: Path) -> None:
    """Speed against units, a panel for each cell: ours in full lines, PyTorch's in broken ones."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "understudy"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    for panel, cell in zip(panels, get_args(Cell), strict=True):
        for layers in LAYERS:
            ours, theirs = zip(*found[cell, layers], strict=True)
            (line,) = panel.loglog(UNITS, ours, "o-", label=f"{layers} layer{'s' if layers > 1 else ''}")
            panel.loglog(UNITS, theirs, "--", color=line.get_color(), alpha=0.5)
        panel.set(title=cell.upper(), xlabel="units", xticks=UNITS, xticklabels=[f"{units}" for units in UNITS])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.legend(title="broken: PyTorch's module")
    panels[0].set_ylabel("characters a second, training")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
