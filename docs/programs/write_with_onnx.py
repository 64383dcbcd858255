"""Write with what `understudy export MODEL --to onnx` made: python write_with_onnx.py FILE START SEED LENGTH."""

import json
import os
import sys
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is imported, which reports to its maker unless told
import numpy as np
import onnxruntime

_, path, start, seed, length = sys.argv
about = json.loads(Path(path + ".json").read_text(encoding="utf-8"))
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
state = {part["name"]: np.zeros([1, *part["shape"][1:]], part["type"]) for part in about["states"]}
as_bytes, symbols = about["kind"] == "bytes", about["symbols"]
ids = [symbols.index(symbol) for symbol in (start.encode() if as_bytes else start)] or [about["opening"]]
chances = list(np.random.Generator(np.random.Philox(key=int(seed))).random(int(length)))
sys.stdout.buffer.write(start.encode())
while ids:
    logits, *after = session.run(None, {"id": np.array([ids.pop(0)], np.int64), **state})
    state = dict(zip(state, after, strict=True))
    if not ids and chances:
        weights = np.exp((logits[0].astype(np.float64) - logits.max()) / about["temperature"]).cumsum()
        ids = [int(np.searchsorted(weights, chances.pop(0) * weights[-1]))]
        sys.stdout.buffer.write(bytes(symbols[i] for i in ids) if as_bytes else symbols[ids[0]].encode())
