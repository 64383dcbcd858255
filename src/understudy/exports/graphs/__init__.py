"""`--to onnx`: a model as graphs for ONNX runtimes."""
