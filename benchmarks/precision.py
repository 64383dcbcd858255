"""What products in bfloat16 cost in training: a run of some minutes, and the same steps with products in float32.

    python benchmarks/precision.py TEXT [--seconds 120] [--seed 0]

The first run is `understudy train TEXT` in bfloat16, as the time allows; its number of steps and all that it chose are
given to a run in float32. Both are evaluated in float32 on the text's last tenth.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from commands import understudy

from understudy.model import file
from understudy.training.recipe import CHOSEN, flag


def trained(text: str, out: Path, *flags: object) -> dict[str, Any]:
    """A run's figures, and how long the command took."""
    began = time.perf_counter()
    found = understudy("train", text, "--from", "none", "--out", out, "--quiet", *flags)
    return found | {"taken": time.perf_counter() - began}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, seed = Path(folder, "bfloat16"), ("--seed", parsed.seed)
        half = trained(parsed.text, first, "--precision", "bfloat16", "--minutes", parsed.seconds / 60, *seed)
        recipe = file.read(first).training["recipe"]
        chosen = [part for name in CHOSEN for part in (flag(name), recipe[name])]
        whole = trained(
            parsed.text, Path(folder, "float32"), "--precision", "float32", "--steps", half["steps"], *seed, *chosen
        )
    print("| products | steps | units | seconds | windowed 256, nats | streamed, nats |\n|---|---|---|---|---|---|")
    for name, run in (("bfloat16", half), ("float32", whole)):
        losses = f"{run['validation_loss']:.4f} | {run['validation_loss_streamed']:.4f}"
        print(f"| {name} | {run['steps']:,} | {recipe['units']} | {run['taken']:.0f} | {losses} |")


if __name__ == "__main__":
    main()
