"""`--to onnx`: a graph of one step, or the loop that ONNX Runtime writes with; and a JSON that tells how to use it.

The same JSON, but for the names of the files, is in each graph's metadata, under the key `understudy`.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from understudy import checks
from understudy.errors import ConfigError, MissingExtraError
from understudy.exports.contract import Export
from understudy.generation.sampling import Sampling
from understudy.model.documents import without_surrogates
from understudy.model.file import ModelFile
from understudy.text.vocabulary import opening

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

FORMAT = 1
KEY = "understudy"
Draw = Literal["plain", "greedy", "top-k", "top-p", "top-k-top-p"]
Precision = Literal["float32", "int8"]
LARGEST = (1 << 31) - (1 << 20)
"""Bytes of weights in one graph: no message of the format's may have two gigabytes, and the nodes need some."""
_DRAWS: Mapping[Draw, Sampling] = {
    "plain": Sampling(),
    "greedy": Sampling(0),
    "top-k": Sampling(top_k=1),
    "top-p": Sampling(top_p=1.0),
    "top-k-top-p": Sampling(top_k=1, top_p=1.0),
}
"""What a graph is made for; the numbers of the draw are its inputs."""
_STEP_PROMISE = (
    "the draw is the program's. docs/programs/write_with_onnx.py draws as Understudy does: it writes the text of "
    "understudy generate --precision float32, until sums that each runtime rounds in its own order tip a draw"
)
_LOOP_PROMISE = (
    "the uniform numbers of the draw are an input, so that a seed's are the program's to give. The same numbers write "
    "the same text on one kind of processor; ONNX Runtime's exponentials differ on another, and in time tip a draw"
)


def make(
    model: ModelFile, name: str, *, loop: bool = False, draw: Draw | None = None, precision: Precision | None = None
) -> Export:
    """The files of a model: the graph, with `loop` the one that reads a prompt too, and the JSON.

    Args:
        model: the model.
        name: of the graph's file; the JSON's is `{name}.json`, and the reading loop's has `.read` before its suffix.
        loop: graphs that go through many characters, with the draw inside, for ONNX Runtime, in place of one step.
        draw: how the loop draws; "plain" unless given.
        precision: of the loop's products: "float32" unless given, or "int8".

    Raises:
        ConfigError: an option does not fit, or the weights are more than an ONNX file can hold.
        MissingExtraError: onnx is not installed.
    """
    loop = checks.truth("--loop", loop)
    kind: Draw = checks.one_of("--draw", "plain" if draw is None else draw, get_args(Draw))
    numbers: Precision = checks.one_of("--precision", precision or "float32", get_args(Precision))
    if not loop and draw is not None:
        raise ConfigError(f"--draw {kind}: a graph of one step draws nothing; add --loop, or leave it out")
    if not loop and numbers == "int8":
        raise ConfigError(
            "--precision int8: a graph of one step is in float32, which every runtime has; add --loop, or leave it out"
        )
    _check_installed()
    with np.errstate(all="ignore"):  # weights may be finite and their sums not
        graphs = _loops(model, name, kind, numbers) if loop else _step(model, name)
    weights = [sum(len(constant.raw_data) for constant in graph.graph.initializer) for graph in graphs.values()]
    if max(weights) > LARGEST:
        way = "" if numbers == "int8" else "export it with --loop --precision int8, or "
        raise ConfigError(
            f"--to onnx: {max(weights):,} bytes of weights, and a file of ONNX holds at most {LARGEST:,}; "
            f"{way}train a model with fewer --units, symbols or --ngrams"
        )
    described = _described(model, "loop" if loop else "step") | ({"draw": kind, "precision": numbers} if loop else {})
    files: dict[str, bytes] = {}
    told = []
    for file, graph in graphs.items():
        does = {"does": graph.graph.name, "inputs": _shapes(graph.graph.input), "outputs": _shapes(graph.graph.output)}
        graph.producer_name, graph.producer_version = "understudy", version("understudy")
        entry = graph.metadata_props.add()
        entry.key, entry.value = KEY, json.dumps(described | does)
        files[file] = graph.SerializeToString()
        told.append({"file": file, "sha256": hashlib.sha256(files[file]).hexdigest(), **does})
    document = described | {"graphs": without_surrogates(told)}
    files[f"{name}.json"] = _readable(document)
    state = sum(math.prod(part["shape"][1:]) * np.dtype(part["type"]).itemsize for part in described["states"])
    return Export(files, {"weights": sum(weights), "state": state}, described["promise"])


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("--to onnx: onnx is not installed; pip install 'understudy[onnx]'") from error


def _step(model: ModelFile, name: str) -> "dict[str, ModelProto]":
    from understudy.exports.graphs.step import step_graph

    return {name: step_graph(model.config, model.tensors)}


def _loops(model: ModelFile, name: str, draw: Draw, numbers: Precision) -> "dict[str, ModelProto]":
    """The loop that writes, and the one that reads."""
    from understudy.exports.graphs.loop import looping_graph

    path = PurePath(name)
    kinds = {name: ("writing", _DRAWS[draw]), f"{path.stem}.read{path.suffix}": ("reading", None)}
    graphs = {}
    for file, (does, sampling) in kinds.items():
        graphs[file] = looping_graph(model.config, model.tensors, numbers, sampling)
        graphs[file].graph.name = does
    return graphs


def _described(model: ModelFile, form: Literal["step", "loop"]) -> dict[str, Any]:
    """What a program must know that is to write with the model."""
    from understudy.exports.graphs.loop import state_names
    from understudy.exports.graphs.step import state_inputs

    vocabulary, config = model.vocabulary, model.config
    states = [(state.name, state.type, state.widths) for state in state_inputs(config)]
    if form == "loop":
        widths = (width for part in config.state_widths for width in part)
        states = [(name, "float32", (width,)) for name, width in zip(state_names(config), widths, strict=True)]
    document = {
        "format": FORMAT,
        "form": form,
        "kind": vocabulary.kind,
        "symbols": list(range(len(vocabulary))) if vocabulary.kind == "bytes" else list(vocabulary.characters),
        "opening": opening(vocabulary),
        "temperature": Sampling().temperature,
        "config": config.to_document(),
        "states": [{"name": name, "type": numbers, "shape": ["B", *widths]} for name, numbers, widths in states],
        "promise": _STEP_PROMISE if form == "step" else _LOOP_PROMISE,
        "card": dict(model.card),
    }
    plain: dict[str, Any] = without_surrogates(document)
    return plain


def _shapes(values: "Iterable[ValueInfoProto]") -> list[dict[str, Any]]:
    """The inputs or outputs of a graph, with numpy's names of their types; a size that may be any is a name."""
    from onnx import helper

    return [
        {
            "name": value.name,
            "type": helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            "shape": [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim],
        }
        for value in values
    ]


def _readable(document: Mapping[str, Any]) -> bytes:
    """A JSON document with a line for each of its fields."""
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in document.items())
    return f"{{\n{lines}\n}}\n".encode()
