"""The recipe for going on from `@base`: rates, shares of dropout and passes at equal steps, on a slice of a text.

    python benchmarks/base_search.py TEXT [--skip 0] [--learn 18000] [--judge 30000] [--rates 1.5e-3 3e-3]
        [--dropout 0 0.3] [--decay 0.3] [--passes 6] [--lanes 8] [--looks 4] [--model @base]
        [--average 0.98] [--length 64] [--momentum 0.95] [--from-nothing]

After `--skip` characters so many are learned from, and those behind them judge. A line tells, for each look, the step,
the loss in training, and nats a character of what judges, windowed and streamed. Passes 0: the model as it is.
`--from-nothing`: a model of that shape that has read nothing yet.
"""

import argparse
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from understudy.evaluation.baselines import kneser_ney
from understudy.evaluation.protocols import streamed, windowed
from understudy.model import file
from understudy.model.initialization import initialize
from understudy.model.parameters import put_under
from understudy.ranks.contract import Alone
from understudy.runs.run import batches_of, network_for
from understudy.text.encoded import Ids
from understudy.text.vocabulary import Vocabulary
from understudy.training.loop import Trainer
from understudy.training.machine import settled
from understudy.training.recipe import preset
from understudy.training.schedule import Schedule


def main() -> None:
    """Print a line for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--learn", type=int, default=18_000)
    parser.add_argument("--judge", type=int, default=30_000)
    parser.add_argument("--rates", type=float, nargs="+", default=[1.5e-3, 3e-3])
    parser.add_argument("--dropout", type=float, nargs="+", default=[0.0])
    parser.add_argument("--decay", type=float, nargs="+", default=[0.3])
    parser.add_argument("--passes", type=float, default=6)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--looks", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="@base")
    parser.add_argument("--average", type=float, default=0.98, help="memory of the weights' running mean")
    parser.add_argument("--length", type=int, default=64, help="characters a step and lane")
    parser.add_argument("--momentum", type=float, default=0.95)
    parser.add_argument("--from-nothing", action="store_true")
    parsed = parser.parse_args()
    text = parsed.text.read_text(encoding="utf-8-sig")[parsed.skip : parsed.skip + parsed.learn + parsed.judge]
    vocabulary, base = Vocabulary.of_text(text), file.read(parsed.model)
    ids = vocabulary.encode(text)
    train, judge = Ids(ids[: parsed.learn]), Ids(ids[parsed.learn :])
    print(f"counting six characters: {kneser_ney(train, judge, len(vocabulary)):.4f}")
    for rate, dropout, decay in product(parsed.rates, parsed.dropout, parsed.decay):
        recipe = settled(preset("auto")).with_settings(
            **{name: getattr(base.config, name) for name in ("cell", "units", "layers", "embedding", "ngrams")},
            learning_rate=rate,
            dropout=dropout,
            weight_decay=decay,
            average=parsed.average,
            batch_size=parsed.lanes,
            sequence_length=parsed.length,
            momentum=parsed.momentum,
            seed=parsed.seed,
            calibration="none",
        )
        network = network_for(replace(base.config, vocabulary=len(vocabulary)), recipe)
        initialize(network, recipe.initialization, recipe.seed)
        if not parsed.from_nothing:
            put_under(network, vocabulary, np.bincount(ids[: parsed.learn], minlength=len(vocabulary)), base)
        if not parsed.passes:
            print(f"as it is: {windowed(network, judge).loss:.4f} / {streamed(network, judge).loss:.4f}")
            return
        batches = batches_of(train, recipe, Alone())
        steps = max(1, round(parsed.passes * batches.per_epoch))
        trainer = Trainer(network, recipe, Schedule(steps, -(-steps // parsed.looks), 1 << 40), batches, judge)
        looks = [
            f"{report.step}: {report.train_loss:.3f} / {report.windowed.loss:.4f} / {report.streamed.loss:.4f}"
            for report in trainer.run()
            if report is not None and report.windowed is not None and report.streamed is not None
        ]
        print(f"rate {rate:g}, dropout {dropout:g}, decay {decay:g}: {'; '.join(looks)}", flush=True)


if __name__ == "__main__":
    main()
