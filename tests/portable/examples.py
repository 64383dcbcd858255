"""Models of every kind that Portable 1 has, of sizes that are no multiple of anything, and ways to draw."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.portable.javascript import Job
from understudy.generation.portable.packing import Packed, pack
from understudy.generation.sampling import LARGEST_SEED, Sampling
from understudy.model.config import ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

DRAWS = {
    "greedy": Sampling(0),
    "plain": Sampling(0.8),
    "top-k": Sampling(1.3, top_k=7),
    "top-p": Sampling(0.9, top_p=0.85),
    "both": Sampling(1.1, top_k=11, top_p=0.7),
}
MODELS = {
    "gru": ModelConfig("gru", 37, 12, 21, 1),
    "two layers of lstm": ModelConfig("lstm", 37, 12, 19, 2),
    "three layers of gru": ModelConfig("gru", 5, 12, 32, 3),
    "one unit": ModelConfig("lstm", 1, 1, 1, 1),
    "bytes": ModelConfig("gru", 256, 24, 24, 1),
    "n-grams": ModelConfig("lstm", 37, 24, 20, 1, 101),
    "narrow n-grams": ModelConfig("gru", 37, 9, 20, 2, 1),
    "embedded": ModelConfig("lstm", 6000, 17, 48, 1, 50),
}
FULL = {
    "GRU 1024": ModelConfig("gru", 65, 256, 1024, 1),
    "two layers of LSTM 256": ModelConfig("lstm", 65, 64, 256, 2),
    "bytes, GRU 256": ModelConfig("gru", 256, 64, 256, 1),
    "n-grams, GRU 256": ModelConfig("gru", 65, 64, 256, 1, 131_071),
    "6,000 symbols, LSTM 256": ModelConfig("lstm", 6000, 64, 256, 1),
}


@cache
def packed(config: ModelConfig) -> Packed:
    """A model of that shape with opinions, packed."""
    return pack(opinionated(config))


@cache
def opinionated(config: ModelConfig) -> ModelFile:
    """A model of that shape with opinions."""
    chance = np.random.default_rng(config.vocabulary * config.units)
    tensors: dict[str, NDArray[Any]] = {}
    for name, shape in config.shapes().items():
        if name == "ngrams.codes":
            tensors[name] = (1 << 24) - 1 - np.arange(shape[0], dtype=np.int64) * 2_654_435 % ((1 << 24) - 1)
        else:
            wide = 3 / np.sqrt(shape[1]) if len(shape) == 2 and name.startswith("layers") else 1.0
            tensors[name] = chance.normal(0, wide, shape).astype(np.float32)
    tensors["output.weight"] *= np.float32(6 / np.sqrt(config.units))
    symbols = "".join(map(chr, range(0x100, 0x100 + config.vocabulary)))
    return ModelFile(config, Vocabulary("characters", symbols), {}, tensors)


def jobs(config: ModelConfig, sampling: Sampling, *, seeds: int, length: int) -> list[Job]:
    """A stream for each of so many seeds over all the range of them, with a short prompt of its own."""
    prompts = [[(seed + place * place) % config.vocabulary for place in range(5)] for seed in range(seeds)]
    return [
        Job(seed * (LARGEST_SEED // max(1, seeds - 1)), tuple(prompt), length, sampling)
        for seed, prompt in enumerate(prompts)
    ]
