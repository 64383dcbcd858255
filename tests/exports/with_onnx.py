"""ONNX and its runtime, for tests of nothing else: importing this skips them where it is missing."""

import pytest

from tests.extras import HAS_ONNX, NO_ONNX

if not HAS_ONNX:
    pytest.skip(NO_ONNX, allow_module_level=True)

import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from understudy.exports.graphs.runtime import onnxruntime

__all__ = ["ReferenceEvaluator", "TensorProto", "helper", "numpy_helper", "onnx", "onnxruntime"]
