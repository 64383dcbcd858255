"""What a fitted temperature is worth: fitted on one half of the held-back text, judged on the other.

    understudy train TEXT --calibration none --out RUN ...
    python benchmarks/temperature_halves.py RUN TEXT

RUN's model must not have a temperature in it already. Streamed, in nats a character.
"""

import argparse
from pathlib import Path

from understudy.evaluation.protocols import streamed
from understudy.model import file
from understudy.model.parameters import network_of
from understudy.text.encoded import Ids
from understudy.training.temperature import fitted, put_in


def main() -> None:
    """Print both ways round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("text", type=Path)
    parsed = parser.parse_args()
    model = file.read(parsed.run)
    whole = parsed.text.read_text(encoding="utf-8")
    ids = Ids(model.vocabulary.encode(whole[int(0.9 * len(whole)) :], "skip"))
    middle = len(ids) // 2
    halves = ids[slice(0, middle)], ids[slice(middle, len(ids))]
    print("| fitted on | temperature | the other half without | with |\n|---|---|---|---|")
    for name, mine, other in (("first half", *halves), ("second half", *halves[::-1])):
        network = network_of(model)
        temperature = fitted(network, mine)
        before = streamed(network, other).loss
        put_in(network, temperature)
        print(f"| {name} | {temperature:.3f} | {before:.4f} | {streamed(network, other).loss:.4f} |")


if __name__ == "__main__":
    main()
