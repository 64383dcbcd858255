"""What eight-bit products cost: the loss of a model on a text through the generation engine itself.

    python benchmarks/engine_loss.py MODEL TEXT [--streams 64]

The tail of TEXT, a tenth, is cut into equal streams that are read side by side, each from the zero state; mean nats a
character for each kind of numbers. The path that read is printed; by Portable 1 all give the same.
"""

import argparse
from pathlib import Path

import numpy as np

from understudy.generation.engine import Trace
from understudy.generation.portable.compiled import described
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.portable.packing import NUMBERS
from understudy.model import file

STRETCH = 32
"""Characters of each stream that are read at once."""


def main() -> None:
    """Print a row for each kind of numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--streams", type=int, default=64)
    parsed = parser.parse_args()
    model = file.read(parsed.model)
    text = parsed.text.read_text(encoding="utf-8")
    ids, B = model.vocabulary.encode(text[int(0.9 * len(text)) :], "skip"), parsed.streams
    T = (len(ids) - 1) // B
    lanes = np.stack([ids[lane * T : (lane + 1) * T + 1] for lane in range(B)], 1)
    print("| numbers | path | nats a character | characters |\n|---|---|---|---|")
    for numbers in NUMBERS:
        engine = PortableEngine(model, numbers=numbers)
        state, total = engine.zero_state(B), 0.0
        for first in range(0, T, STRETCH):
            given, wanted = lanes[first : min(first + STRETCH, T)], lanes[first + 1 : min(first + STRETCH, T) + 1]
            logits = np.empty((*given.shape, model.config.vocabulary), np.float32)
            _, state = engine.trace(given, state, Trace(logits))
            exact = logits.astype(np.float64)
            hit = np.take_along_axis(exact, wanted[..., None], -1)[..., 0]
            total += float((np.log(np.exp(exact).sum(-1)) - hit).sum())
        print(f"| {numbers} | {described(engine.path)} | {total / (T * B):.5f} | {T * B:,} |", flush=True)


if __name__ == "__main__":
    main()
