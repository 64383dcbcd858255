"""Tests of what an extra brings skip where it is not installed."""

from importlib.util import find_spec

import pytest

NO_ONNX = "onnx and onnxruntime are not installed; pip install 'understudy[onnx]'"
HAS_ONNX = all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason=NO_ONNX)
