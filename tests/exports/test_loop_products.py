"""The loop's products of eight bits: whole numbers, whose sums no processor gets wrong."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exports.models import KINDS, example
from tests.exports.with_onnx import TensorProto, helper, numpy_helper, onnx, onnxruntime
from understudy.exports.graphs.loop import IR_VERSION, OPSET, looping_graph
from understudy.exports.graphs.loop_products import Product
from understudy.exports.graphs.nodes import MICROSOFT, Nodes
from understudy.generation.sampling import Floats


def by_the_runtime(product: Product, nodes: Nodes, x: Floats) -> Floats:
    """The product as ONNX Runtime makes it."""
    product.add(nodes, "x", "y")
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", None]) for name in ("x", "y")]
    graph = helper.make_graph(nodes.nodes, "product", shapes[:1], shapes[1:], nodes.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    found: Floats = session.run(None, {"x": x})[0]
    return found


def constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_neighbouring_products_leave_sixteen_bits(kind: str) -> None:
    """x86 processors without VNNI add two products of an unsigned and a signed byte in 16 bits, and cut the sum."""
    file = example(kind)
    sharpest = {
        name: np.where(tensor < 0, -1, 1).astype(np.float32)
        for name, tensor in file.tensors.items()
        if "weight" in name
    }
    for tensors in (file.tensors, {**file.tensors, **sharpest}):
        made = looping_graph(file.config, tensors, "int8", None)
        (body,) = (helper.get_node_attr_value(node, "body") for node in made.graph.node if node.op_type == "Scan")
        known = constants(made.graph) | constants(body)
        products = [node for node in body.node if node.op_type == "MatMulIntegerToFloat"]
        assert len(products) == file.config.layers
        for node in products:
            _, matrix, step, _, middle = (known.get(name) for name in node.input[:5])
            assert matrix is not None
            assert matrix.dtype == np.int8
            assert middle is not None
            assert middle.dtype == np.uint8
            ends = np.rint(np.array([-1, 1]) / np.asarray(step, np.float64)) + middle.astype(np.int64)
            assert ends.min() >= 0
            assert ends.max() <= 255
            widest = 2 * ends.max() * matrix.astype(np.int64)
            assert widest.max() <= np.iinfo(np.int16).max
            assert widest.min() >= np.iinfo(np.int16).min


@pytest.mark.parametrize("inputs", [1, 7, 64, 513])
@pytest.mark.parametrize("rows", [1, 3, 64])
def test_the_largest_sums_are_those_of_whole_numbers(inputs: int, rows: int) -> None:
    """Every weight at the end of its range, every input at the end of its own: the sum is known without arithmetic."""
    signs = np.where(np.arange(rows) % 2, -1, 1).astype(np.float32)
    weight = np.stack([np.full(inputs, 0.5), np.full(inputs, -0.5), np.where(np.arange(inputs) % 3, -3, 3)])
    nodes = Nodes()
    product = Product(nodes, "int8", "w", weight.astype(np.float32), np.array([0, 1, 0], np.float32))
    found = by_the_runtime(product, nodes, np.repeat(signs[:, None], inputs, 1))
    thirds = float(np.where(np.arange(inputs) % 3, -3, 3).sum())
    expected = signs[:, None] * np.array([inputs / 2, -inputs / 2, thirds]) + np.array([0, 1, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sums_equal_integer_arithmetic() -> None:
    """Inputs and weights that the whole numbers hold exactly: the product is the one of integers, to the last bit."""
    random = np.random.default_rng(0)
    whole, steps = random.integers(-127, 128, (40, 300)), random.integers(-64, 65, (9, 300))
    whole[:, 0], whole[:, 1:3], steps[0], steps[1] = 127, 127, 64, -64
    nodes = Nodes()
    product = Product(nodes, "int8", "w", (whole / 128).astype(np.float32), np.zeros(40, np.float32))
    found = by_the_runtime(product, nodes, (steps / 64).astype(np.float32))
    assert np.array_equal(found, (steps @ whole.T / (64 * 128)).astype(np.float32))
