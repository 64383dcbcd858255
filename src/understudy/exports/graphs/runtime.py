"""ONNX Runtime, imported here and nowhere else, with its telemetry off.

Its builds report to Microsoft unless they are told otherwise: being imported they write a device's id and a database
into the user's cache folder, and look up a host. Their own switch comes after all that; only the environment comes
before it. It is set for this process and so for its children, whatever it was.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
