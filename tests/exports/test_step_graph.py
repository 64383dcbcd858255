"""A step as an ONNX graph: the network's own, from operators that every runtime has."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exports.models import KINDS, example, logits_of
from tests.exports.with_onnx import ReferenceEvaluator, helper, onnx, onnxruntime
from understudy.exports.graphs.step import OPERATORS, OPSET, state_inputs, step_graph
from understudy.model.file import ModelFile

LISTED = {"Gather", "MatMul", "Add", "Sub", "Mul", "Split", "Sigmoid", "Tanh"}


def stepped(runs: Any, model: ModelFile, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """The logits (T, B, V) that a runtime gives for ids (T, B), a step at a time."""
    state: dict[str, Any] = {
        part.name: np.zeros((ids.shape[1], *part.widths), part.type) for part in state_inputs(model.config)
    }
    found = []
    for row in ids:
        logits, *after = runs.run(None, {"id": row, **state})
        found.append(logits)
        state = dict(zip(state, after, strict=True))
    return np.stack(found)


def by_onnxruntime(graph: onnx.ModelProto) -> Any:
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


def some_ids(model: ModelFile, steps: int, streams: int) -> NDArray[np.int64]:
    return np.random.default_rng(3).integers(0, len(model.vocabulary), (steps, streams))


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_is_valid_and_uses_the_listed_operators_alone(kind: str) -> None:
    model = example(kind)
    graph = step_graph(model.config, model.tensors)
    onnx.checker.check_model(graph, full_check=True)
    assert {node.op_type for node in graph.graph.node} <= LISTED == OPERATORS
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", OPSET)]
    assert graph.ir_version <= 9
    assert all(not node.domain for node in graph.graph.node)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_steps_are_the_network_s(kind: str) -> None:
    model = example(kind)
    ids = some_ids(model, 1000, 3)
    found = stepped(by_onnxruntime(step_graph(model.config, model.tensors)), model, ids)
    np.testing.assert_allclose(found, logits_of(model, ids), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("gru-1-0", 100),
        ("lstm-3-0", 50),
        ("gru-2-50", 12),
        *(pytest.param(kind, 1000, marks=pytest.mark.slow) for kind in KINDS),
    ],
)
def test_the_reference_of_onnx_gives_the_network_s_logits(kind: str, steps: int) -> None:
    model = example(kind)
    ids = some_ids(model, steps, 2)
    found = stepped(ReferenceEvaluator(step_graph(model.config, model.tensors)), model, ids)
    np.testing.assert_allclose(found, logits_of(model, ids), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_the_model_in_the_box_is_the_network_s_over_a_thousand_steps() -> None:
    from understudy.model import file

    model = file.read("@shakespeare")
    ids = some_ids(model, 1000, 1)
    found = stepped(ReferenceEvaluator(step_graph(model.config, model.tensors)), model, ids)
    np.testing.assert_allclose(found, logits_of(model, ids), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("symbols", "looked_up"), [("ab\n", "table"), ("", "embedding")], ids=["few", "many"])
def test_what_is_looked_up_is_the_smaller_table_and_the_logits_stay(symbols: str, looked_up: str) -> None:
    model = example("gru-1-0", symbols=symbols)
    graph = step_graph(model.config, model.tensors)
    assert {constant.name for constant in graph.graph.initializer} & {"table", "embedding"} == {looked_up}
    ids = some_ids(model, 20, 2)
    np.testing.assert_allclose(stepped(by_onnxruntime(graph), model, ids), logits_of(model, ids), rtol=0, atol=1e-5)


def test_the_number_of_streams_is_open() -> None:
    model = example("lstm-1-50")
    graph = step_graph(model.config, model.tensors)
    for value in (*graph.graph.input, *graph.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "B"
    runs, ids = by_onnxruntime(graph), some_ids(model, 10, 5)
    together = stepped(runs, model, ids)
    for stream in range(5):
        alone = stepped(runs, model, ids[:, stream : stream + 1])
        np.testing.assert_allclose(together[:, stream], alone[:, 0], rtol=0, atol=1e-5)


def test_every_part_of_the_state_comes_out_as_it_goes_in() -> None:
    model = example("lstm-1-50")
    graph = step_graph(model.config, model.tensors).graph

    def kinds(values: Any, ending: str) -> list[tuple[str, int, int]]:
        return [
            (value.name.removesuffix(ending), value.type.tensor_type.elem_type, len(value.type.tensor_type.shape.dim))
            for value in values
        ][1:]

    assert kinds(graph.input, "") == kinds(graph.output, "_next")
    parts = [(part.name, np.dtype(part.type), 1 + len(part.widths)) for part in state_inputs(model.config)]
    told = [(name, helper.tensor_dtype_to_np_dtype(numbers), rank) for name, numbers, rank in kinds(graph.input, "")]
    assert told == parts
