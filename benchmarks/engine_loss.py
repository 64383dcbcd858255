"""What eight-bit products cost: the loss of a model on a text through the generation engine itself.

    python benchmarks/engine_loss.py MODEL TEXT [--streams 64]

The tail of TEXT, a tenth, is cut into equal streams that are read side by side, a character at a time, each from the
zero state; mean nats a character for each kind of numbers.
"""

import argparse
from pathlib import Path

import numpy as np

from understudy.generation.onnx_engine import OnnxEngine
from understudy.generation.products import NUMBERS
from understudy.model import file


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
    print("| numbers | nats a character | characters |\n|---|---|---|")
    for numbers in NUMBERS:
        engine = OnnxEngine(model, numbers=numbers)
        state, total = engine.zero_state(B), 0.0
        for t in range(T):
            logits, state = engine.read(lanes[t : t + 1], state)
            exact = logits.astype(np.float64)
            total += float((np.log(np.exp(exact).sum(1)) - exact[np.arange(B), lanes[t + 1]]).sum())
        print(f"| {numbers} | {total / (T * B):.5f} | {T * B:,} |")


if __name__ == "__main__":
    main()
