"""What `--to onnx` makes: graphs, and a JSON that tells a program all that it needs."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.exports.models import KINDS, example, written
from tests.exports.with_onnx import onnx, onnxruntime
from understudy.errors import ConfigError
from understudy.exports.graphs import making
from understudy.exports.graphs.making import Draw, Precision, make
from understudy.generation.sampling import Sampling, uniforms
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary


def told(files: Any, name: str = "model.onnx.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files[name])
    return document


@pytest.mark.parametrize("symbols", ["\n !abé漢🎭", "qxz", ""], ids=["newline", "neither", "bytes"])
def test_the_json_gives_the_symbols_in_order_and_how_to_begin(symbols: str) -> None:
    model = example("lstm-1-0", symbols=symbols)
    document = told(make(model, "model.onnx").files)
    expected = list(symbols) if symbols else list(range(256))
    assert document["kind"] == ("characters" if symbols else "bytes")
    assert document["symbols"] == expected
    assert document["opening"] == {"\n !abé漢🎭": 0, "qxz": 0, "": ord("\n")}[symbols]
    assert document["config"] == model.config.to_document()
    assert document["temperature"] == Sampling().temperature
    assert document["states"] == [
        {"name": "h0", "type": "float32", "shape": ["B", 24]},
        {"name": "c0", "type": "float32", "shape": ["B", 24]},
    ]


@pytest.mark.parametrize("options", [{}, {"loop": True}, {"loop": True, "precision": "int8"}], ids=str)
def test_a_graph_carries_what_the_json_tells(options: dict[str, Any]) -> None:
    model = replace(example("gru-2-50"), card={"Limits": "none \ud800 at all"})
    made = make(model, "model.onnx", **options)
    document = told(made.files)
    assert next(iter(made.files)) == "model.onnx"
    assert {graph["file"] for graph in document["graphs"]} == set(made.files) - {"model.onnx.json"}
    weights = 0
    for graph in document.pop("graphs"):
        data = made.files[graph.pop("file")]
        assert hashlib.sha256(data).hexdigest() == graph.pop("sha256")
        loaded = onnx.load_model_from_string(data)
        (entry,) = loaded.metadata_props
        assert entry.key == "understudy"
        assert json.loads(entry.value) == document | graph
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        for side, values in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
            types = {"float32": "float", "float64": "double", "int64": "int64"}
            assert [(value["name"], value["shape"]) for value in graph[side]] == [(v.name, v.shape) for v in values]
            assert [f"tensor({types[value['type']]})" for value in graph[side]] == [v.type for v in values]
        weights += sum(onnx.numpy_helper.to_array(constant).nbytes for constant in loaded.graph.initializer)
    assert made.sizes["weights"] == weights
    recent = 7 * (4 if options else 8)
    assert made.sizes["state"] == 2 * 24 * 4 + recent
    assert document["card"] == {"Limits": "none \\ud800 at all"}


@pytest.mark.parametrize("options", [{}, {"loop": True}], ids=str)
def test_equal_models_give_equal_bytes(options: dict[str, Any]) -> None:
    assert make(example("lstm-1-50"), "a.onnx", **options) == make(example("lstm-1-50"), "a.onnx", **options)


def looped(model: ModelFile, start: str, numbers: Any, sampling: Sampling, draw: Draw, precision: Precision) -> Any:
    """The ids that the loops write: a prompt is read with the one, and the other writes after it."""
    files = make(model, "model.onnx", loop=True, draw=draw, precision=precision).files
    document = told(files)
    sessions = {
        graph["does"]: onnxruntime.InferenceSession(files[graph["file"]], providers=["CPUExecutionProvider"])
        for graph in document["graphs"]
    }
    feed: dict[str, Any] = {
        f"{part['name']}_0": np.zeros([1, *part["shape"][1:]], part["type"]) for part in document["states"]
    }
    feed["logits_0"] = np.zeros((1, len(document["symbols"])), np.float32)
    ids = [document["symbols"].index(symbol) for symbol in start]
    outputs = [value.name.replace("_n", "_0") for value in sessions["reading"].get_outputs()]
    after = dict(zip(outputs, sessions["reading"].run(None, {**feed, "given": np.array([ids]).T}), strict=True))
    feed = {name: after[name] for name in feed} | {"uniforms": numbers[:, None, None]}
    if draw != "greedy":
        feed["temperature"] = np.array(sampling.temperature)
    if sampling.top_k is not None:
        feed["top_k"] = np.array([sampling.top_k])
    if sampling.top_p is not None:
        feed["top_p"] = np.array(sampling.top_p)
    return sessions["writing"].run(["ids"], feed)[0][:, 0].tolist()


@pytest.mark.parametrize(
    ("draw", "sampling"),
    [
        ("plain", Sampling(0.7)),
        ("greedy", Sampling(0)),
        ("top-k", Sampling(1.1, top_k=5)),
        ("top-p", Sampling(1.1, top_p=0.8)),
        ("top-k-top-p", Sampling(1.1, top_k=9, top_p=0.8)),
    ],
)
@pytest.mark.parametrize("kind", ["gru-2-0", "lstm-1-50"])
def test_the_loops_write_what_the_network_writes(kind: str, draw: Draw, sampling: Sampling) -> None:
    model = example(kind)
    expected = list(written(model, "abc", 5, 60, sampling))
    assert looped(model, "abc", uniforms(5, 0, 60), sampling, draw, "float32") == expected


def test_the_loops_in_eight_bits_write_nearly_so() -> None:
    model = example("gru-1-0")
    found = looped(model, "abc", uniforms(5, 0, 60), Sampling(), "plain", "int8")
    assert found[:3] == list(written(model, "abc", 5, 3, Sampling()))
    assert len(found) == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draw": "greedy"}, "--draw greedy: a graph of one step draws nothing; add --loop"),
        ({"precision": "int8"}, "--precision int8: a graph of one step is in float32"),
        ({"loop": True, "draw": "best"}, "--draw best: expected one of plain, greedy"),
        ({"loop": True, "precision": "float16"}, "--precision float16: expected one of float32, int8"),
        ({"loop": "yes"}, "--loop 'yes': expected True or False"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(example(), "model.onnx", **options)


def test_weights_that_no_file_can_hold_are_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = example()
    largest = make(model, "model.onnx").sizes["weights"]
    monkeypatch.setattr(making, "LARGEST", largest)
    assert make(model, "model.onnx").files
    monkeypatch.setattr(making, "LARGEST", largest - 1)
    with pytest.raises(ConfigError, match=f"{largest:,} bytes of weights.*--loop --precision int8"):
        make(model, "model.onnx")


def test_a_model_of_one_symbol_goes_out() -> None:
    one = example(symbols="a")
    assert one.vocabulary == Vocabulary.of_text("a")
    assert told(make(one, "model.onnx").files)["symbols"] == ["a"]


def test_every_kind_of_model_has_a_loop() -> None:
    for kind in KINDS:
        assert set(make(example(kind), "m.onnx", loop=True).files) == {"m.onnx", "m.read.onnx", "m.onnx.json"}
