"""What xz takes for a text that it may not learn from: each block of it coded after the training text alone.

    python benchmarks/xz_in_blocks.py TEXT ... [--blocks 1024 4096 16384]

`understudy evaluate` compares a model that stays as it is with an xz that goes on learning from the scored text. Here
xz forgets one block of the last tenth before it codes the next, so that it finds, of that tenth, at most one block.
The compressor that has read the training text is forked for every block (its state cannot be copied otherwise).
"""

import argparse
import lzma
import os
from pathlib import Path

from understudy.evaluation.baselines import xz_filters


def sizes(known: bytes, pieces: list[bytes]) -> list[int]:
    """How many bytes each piece adds when it is coded after `known`, no piece knowing of another."""
    filters = xz_filters(len(known) + max(map(len, pieces)))
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    begun = len(packer.compress(known))
    whole = [_forked(packer, begun, piece) for piece in [b"", *pieces]]
    return [size - whole[0] for size in whole[1:]]


def _forked(packer: lzma.LZMACompressor, begun: int, piece: bytes) -> int:
    """The size of everything when `piece` is the end of it, found out in a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        total = begun + len(packer.compress(piece)) + len(packer.flush())
        os.write(writing, str(total).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.wait()
    return int(answer)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1024, 4096, 16384], help="characters in a block")
    parsed = parser.parse_args()
    print("| text | " + " | ".join(f"blocks of {block:,}" for block in parsed.blocks) + " | all at once |")
    print("|---" * (len(parsed.blocks) + 2) + "|")
    for path in parsed.texts:
        text = path.read_text(encoding="utf-8")
        known, scored = text[: int(0.9 * len(text))].encode(), text[int(0.9 * len(text)) :]
        bits = []
        for block in [*parsed.blocks, len(scored)]:
            pieces = [scored[start : start + block].encode() for start in range(0, len(scored), block)]
            bits.append(8 * sum(sizes(known, pieces)) / len(scored))
        print(f"| {path.stem} | " + " | ".join(f"{each:.3f}" for each in bits) + " |", flush=True)


if __name__ == "__main__":
    main()
