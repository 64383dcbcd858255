"""Makes the model that comes with the package, `@shakespeare`.

    python scripts/shakespeare.py TEXT [--minutes 10] [--seed 0]

TEXT is Tiny Shakespeare. Trains with `understudy train`, keeps the best model in float16, scores that file on the
held-back tenth, and puts it with its card into the package.
"""

import argparse
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from understudy.cli.main import main as understudy
from understudy.evaluation.protocols import streamed, windowed
from understudy.model import file
from understudy.model.parameters import network_of
from understudy.text.encoded import Ids

SIZE = ("--units", "624", "--batch-size", "64", "--dropout", "0.4", "--from", "none")
"""As large as four megabytes allow."""
TARGET = file.BOX / "shakespeare.safetensors"
DATA = (
    "Tiny Shakespeare: 40,000 lines out of William Shakespeare's plays, 1,115,394 characters, as Andrej Karpathy put "
    "them together in 2015. The plays are in the public domain. The first nine tenths were learned from; the last "
    "tenth only chose the best look of the run."
)
LIMITS = (
    "It writes what looks like verse drama, speakers' names, lines and most words right, and means nothing by it. It "
    "knows 65 characters, no digits but 3, and nothing said after 1616. It learned the text's prejudices along with "
    "its spelling. It is small: characters of a play are forgotten within a few lines."
)


def main() -> None:
    """Train, score, pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--minutes", default="10")
    parser.add_argument("--seed", default="0")
    parsed = parser.parse_args()
    settings = ["--minutes", parsed.minutes, "--seed", parsed.seed, *SIZE]
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        if understudy(["train", str(parsed.text), *settings, "--out", run]):
            sys.exit("training failed")
        file.read(run).write(TARGET, half=True)
    packed = file.read(TARGET)  # as people will read it, its weights rounded
    text = parsed.text.read_text(encoding="utf-8")
    ids = Ids(packed.vocabulary.encode(text[int(0.9 * len(text)) :]))
    network = network_of(packed)
    scores = windowed(network, ids).loss, streamed(network, ids).loss
    card = {
        "Data": DATA,
        "Command": shlex.join(["understudy", "train", parsed.text.name, *settings]),
        "Loss": f"{scores[0]:.4f} nats a character in windows of 256, {scores[1]:.4f} streamed, on the held-back "
        f"{len(ids):,} characters, with the weights in this file (float16).",
        "Limits": LIMITS,
    }
    replace(packed, card=card).write(TARGET, half=True)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
    understudy(["info", "@shakespeare"])


if __name__ == "__main__":
    main()
