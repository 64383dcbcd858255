"""Weights that other libraries have written, and the model of ours that they are: TensorFlow, Keras and PyTorch."""
