"""The table of layers, shapes and parameters."""

from typing import NamedTuple

from understudy.model.config import NGRAM_CODES, ModelConfig


class Row(NamedTuple):
    """One layer of the model: its name, the shape of its output and how many numbers it learns."""

    name: str
    output: str
    parameters: int


def summary(config: ModelConfig) -> list[Row]:
    """One row a layer, in the order in which the text passes them."""
    parameters: dict[str, int] = {}
    for name, shape in config.shapes().items():
        if name == NGRAM_CODES:
            continue
        size = 1
        for length in shape:
            size *= length
        layer = name.rsplit(".", 1)[0]
        parameters[layer] = parameters.get(layer, 0) + size
    rows = []
    for layer, count in parameters.items():
        kind, width = {
            "embedding": ("Embedding", config.embedding),
            "output": ("Dense", config.vocabulary),
            "ngrams": ("Table", config.ngram_width),
        }.get(layer, (config.cell.upper(), config.units))
        rows.append(Row(f"{layer.replace('.', ' ')} ({kind})", f"(T, B, {width})", count))
    return rows
