"""Starting up: how soon the first character of `understudy generate` comes, and a whole page; how soon help answers.

    python benchmarks/startup.py MODEL [--rounds 9]

MODEL is a run folder; for the table in RESULTS.md, one of the tutorial's size (`understudy train TEXT --preset tutorial
--steps 1`). All commands take turns; the median over rounds, with the smallest and the largest, in seconds. For scale,
how long an interpreter takes that imports torch.
"""

import argparse
import subprocess
import sys
import time
from statistics import median

WHOLE = "understudy generate --length 1000, to the end (the model in the box)"


def waited(command: list[str], *, whole: bool) -> float:
    """Seconds from the start of a command to its first byte of output, or to its end."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1), f"{command} printed nothing"
        seconds = time.perf_counter() - began
        process.stdout.read()
        process.wait()
        seconds = time.perf_counter() - began if whole else seconds
    assert process.returncode == 0, f"{command} ended with {process.returncode}"
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=9)
    parsed = parser.parse_args()
    understudy = [sys.executable, "-m", "understudy"]
    commands = {
        "understudy --help": [*understudy, "--help"],
        "understudy generate, first character": [*understudy, "generate", parsed.model, "--length", "500"],
        WHOLE: [*understudy, "generate", "--length", "1000"],
        "python -c 'import torch'": [sys.executable, "-c", "import torch; print(torch.__version__)"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(parsed.rounds):
        for name, command in commands.items():
            seconds[name].append(waited(command, whole=name == WHOLE))
    print("| command | seconds |\n|---|---|")
    for name, values in seconds.items():
        print(f"| `{name}` | {median(values):.2f} ({min(values):.2f} to {max(values):.2f}) |")


if __name__ == "__main__":
    main()
