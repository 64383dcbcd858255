"""PyTorch's state dicts in safetensors as layers: names of modules, and shapes with outputs first."""

import re
from collections.abc import Mapping

import numpy as np

from understudy.checks import named
from understudy.errors import ModelFileError
from understudy.foreign.layers import EXPECTED, Found, Layer, Matrix, Recurrent, Weights, placed
from understudy.foreign.reading import Array, Stored
from understudy.model.config import Cell

_RECURRENT = re.compile(r"(?:(.*)\.)?(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)(?:_l(\d{1,4}))?(_reverse)?")
_PLAIN = re.compile(r"(?:(.*)\.)?(weight|bias)")
_WRAPPED = re.compile(r"(module\.|_orig_mod\.)+")
"""What PyTorch puts before every name of a model that ran on several devices, or was compiled."""
_EMBEDDINGS = re.compile(r"emb|wte|encoder|lookup", re.IGNORECASE)
_OUTPUTS = re.compile(r"dense|decoder|fc|head|lin|logit|out|proj", re.IGNORECASE)
_DIGITS = re.compile(r"(\d+)")


def found(tensors: Mapping[str, Stored]) -> Found:
    """The layers of a state dict.

    Raises:
        ModelFileError: it holds what is none of the layers wanted.
    """
    cells: dict[tuple[str, int], dict[str, Stored]] = {}
    plain: dict[str, dict[str, Stored]] = {}
    for key, stored in tensors.items():
        name = _WRAPPED.sub("", key, count=1) if _WRAPPED.match(key) else key
        part = _RECURRENT.fullmatch(name)
        if part is not None:
            _check_kind(key, part)
            cells.setdefault((part[1] or "", int(part[3] or 0)), {})[part[2]] = stored
            continue
        part = _PLAIN.fullmatch(name)
        if part is None:
            raise ModelFileError(f"{named(key)} {list(stored.shape)} belongs to none of the layers wanted; {EXPECTED}")
        plain.setdefault(part[1] or "", {})[part[2]] = stored
    _join_tied(plain)
    layers: list[Layer] = [_matrix(name, parts) for name, parts in plain.items()]
    stacks = {name for name, _ in cells}
    ordered = sorted(cells, key=lambda place: (_natural(place[0]), place[1]))
    clear = len(stacks) < 2 or len({_DIGITS.sub("", name) for name in stacks}) == 1
    for number, place in enumerate(ordered):
        layer = _recurrent(".".join(filter(None, (place[0], f"l{place[1]}"))), cells[place])
        layers.append(placed(layer, number) if clear else layer)
    return Found("PyTorch state dict", layers, configured=True, ties=True)


def _natural(name: str) -> list[tuple[int, str]]:
    """What sorts `rnn.10` behind `rnn.9`."""
    return [(int(part), "") if part.isdecimal() and part.isascii() else (0, part) for part in _DIGITS.split(name)]


def _join_tied(plain: dict[str, dict[str, Stored]]) -> None:
    """Give the one matrix there is the bias of the output layer that shares it: what is shared is kept once."""
    alone = [name for name, parts in plain.items() if set(parts) == {"bias"}]
    if len(alone) == 1 and len(plain) == 2:
        (other,) = plain.keys() - set(alone)
        if "bias" not in plain[other]:
            plain[other]["bias"] = plain.pop(alone[0])["bias"]


def _check_kind(key: str, part: re.Match[str]) -> None:
    if part[4]:
        raise ModelFileError(
            f"{named(key)} is of a bidirectional layer: it reads what comes after a character, so it cannot write; "
            f"{EXPECTED}"
        )
    if part[2] == "weight_hr":
        raise ModelFileError(f"{named(key)} is of an LSTM with projections (proj_size): another recurrence than ours")


def _matrix(name: str, parts: dict[str, Stored]) -> Matrix:
    weight, bias = parts.get("weight"), parts.get("bias")
    shapes = {key: list(stored.shape) for key, stored in parts.items()}
    if weight is None or len(weight.shape) != 2 or 0 in weight.shape:
        raise ModelFileError(f"layer {named(name)} holds {named(str(shapes))}, none of the layers wanted; {EXPECTED}")
    if bias is None:
        looks = bool(_EMBEDDINGS.search(name)), bool(_OUTPUTS.search(name))
        told = {(True, False): "embedding", (False, True): "output"}.get(looks, "")
        return Matrix(name, weight, outputs_first=True, told=told)  # type: ignore[arg-type]
    if bias.shape != weight.shape[:1]:
        raise ModelFileError(f"layer {named(name)} holds {named(str(shapes))}, none of the layers wanted; {EXPECTED}")
    return Matrix(name, weight, bias, outputs_first=True, told="output")


def _recurrent(name: str, parts: dict[str, Stored]) -> Recurrent:
    shapes = {key: list(stored.shape) for key, stored in parts.items()}
    unknown = ModelFileError(f"layer {named(name)} holds {named(str(shapes))}, which is no GRU or LSTM; {EXPECTED}")
    if set(parts) not in ({"weight_ih", "weight_hh"}, {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}):
        raise unknown
    weight_ih, weight_hh = parts["weight_ih"], parts["weight_hh"]
    if any(len(weight.shape) != 2 or 0 in weight.shape for weight in (weight_ih, weight_hh)):
        raise unknown
    rows, units = weight_hh.shape
    if rows == units:
        raise ModelFileError(f"layer {named(name)} is a plain RNN, which has no gates; {EXPECTED}")
    if weight_ih.shape[0] != rows or rows not in (3 * units, 4 * units):
        raise unknown
    biases = [parts[key] for key in ("bias_ih", "bias_hh") if key in parts]
    if any(bias.shape != (rows,) for bias in biases):
        raise unknown
    cell: Cell = "gru" if rows == 3 * units else "lstm"

    def read() -> Weights:
        read_biases: list[Array] = [bias.read(name) for bias in biases]
        both = read_biases or [np.zeros(rows, np.float32), np.zeros(rows, np.float32)]
        return Weights(weight_ih.read(name), weight_hh.read(name), *both)

    return Recurrent(name, cell, weight_ih.shape[1], units, read)
