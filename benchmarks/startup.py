"""Starting up: how soon the first character of `understudy generate` comes, and a whole page; how soon help answers.

    python benchmarks/startup.py MODEL [--rounds 9]

MODEL is a run folder; for the table in RESULTS.md, one of the tutorial's size (`understudy train TEXT --preset tutorial
--steps 1`). All commands take turns; the median over rounds, with the smallest and the largest, in seconds. The peer
writes by ONNX Runtime (onnx_loop.py), as `understudy generate` did until it had an engine of its own, through the same
library. For scale, how long an interpreter takes that imports numpy, and torch.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from understudy.generation.portable.compiled import described, path

PEER = """
import sys
import understudy
from onnx_loop import OnnxLoop
from understudy.model import file
model = understudy.load(sys.argv[1])
model.engine = OnnxLoop(file.read(sys.argv[1]), numbers="int8")
for piece in model.stream(length=int(sys.argv[2])):
    print(piece, end="", flush=True)
"""


def waited(command: list[str], *, whole: bool) -> float:
    """Seconds from the start of a command to its first byte of output, or to its end."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(here), "ORT_DISABLE_TELEMETRY": "1"}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
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
    peer, box = [sys.executable, "-c", PEER], "@shakespeare"
    commands = {
        "understudy --help": [*understudy, "--help"],
        "understudy generate, first character": [*understudy, "generate", parsed.model, "--length", "500"],
        "the same by ONNX Runtime, first character": [*peer, parsed.model, "500"],
        "understudy generate --length 1000, the model in the box, whole": [*understudy, "generate", "--length", "1000"],
        "the same by ONNX Runtime, whole": [*peer, box, "1000"],
        "python -c 'import numpy'": [sys.executable, "-c", "import numpy; print(numpy.__version__)"],
        "python -c 'import torch'": [sys.executable, "-c", "import torch; print(torch.__version__)"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(parsed.rounds):
        for name, command in commands.items():
            seconds[name].append(waited(command, whole=name.endswith("whole")))
    print(f"Path: {described(path())}.\n")
    print("| command | seconds |\n|---|---|")
    for name, values in seconds.items():
        print(f"| `{name}` | {median(values):.2f} ({min(values):.2f} to {max(values):.2f}) |")


if __name__ == "__main__":
    main()
