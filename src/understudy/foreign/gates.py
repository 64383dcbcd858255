"""The gates of other libraries' recurrent layers in our order: r, z, n of a GRU; i, f, g, o of an LSTM.

Each function takes a layer's kernel (inputs, G·H), its recurrent kernel (H, G·H) and its bias, and gives our
(G·H, inputs), (G·H, H), (G·H,) and (G·H,). Keras and TensorFlow name a GRU's gates z, r, h, and share PyTorch's
h' = z ⊙ h + (1 − z) ⊙ n; an LSTM's i, f, c, o are our i, f, g, o.

CuDNN's layouts are those of TensorFlow 1's CuDNNGRU and CuDNNLSTM, which keep what the library of that name wants in
arrays of Keras's shapes: a gate's share of the kernel holds, in the order of its bytes, the matrix (H, inputs), and its
share of the recurrent kernel is (H, H) with outputs first. The conversion of TensorFlow's own is held against them.
"""

import numpy as np

from understudy.foreign.reading import Array

Layout = tuple[Array, Array, Array, Array]
_RESET_FIRST = (1, 0, 2)
"""Where our r, z, n are among z, r, h."""
_AS_THEY_ARE = (0, 1, 2, 3)


def keras_gru(kernel: Array, recurrent: Array, bias: Array | None) -> Layout:
    """A GRU that resets after the product: a bias (2, 3H), of the input and of the state; none is zeros."""
    H = len(recurrent)
    both = np.zeros((2, 3 * H), np.float32) if bias is None else bias
    return _joined(kernel.T, recurrent.T, both, _RESET_FIRST)


def keras_lstm(kernel: Array, recurrent: Array, bias: Array | None) -> Layout:
    """An LSTM: a bias (4H); none is zeros."""
    both = np.zeros((2, recurrent.shape[1]), np.float32)
    if bias is not None:
        both[0] = bias
    return _joined(kernel.T, recurrent.T, both, _AS_THEY_ARE)


def cudnn_gru(kernel: Array, recurrent: Array, bias: Array | None) -> Layout:
    """CuDNNGRU: a bias (6H), that of the input before that of the state."""
    assert bias is not None
    return _joined(*_of_cudnn(kernel, recurrent), bias.reshape(2, -1), _RESET_FIRST)


def cudnn_lstm(kernel: Array, recurrent: Array, bias: Array | None) -> Layout:
    """CuDNNLSTM: a bias (8H), that of the input before that of the state."""
    assert bias is not None
    return _joined(*_of_cudnn(kernel, recurrent), bias.reshape(2, -1), _AS_THEY_ARE)


def _of_cudnn(kernel: Array, recurrent: Array) -> tuple[Array, Array]:
    """Both matrices with outputs first, (G·H, inputs) and (G·H, H)."""
    H = len(recurrent)
    gates = recurrent.shape[1] // H
    inputs = [part.reshape(H, -1) for part in np.split(kernel, gates, axis=1)]
    return np.concatenate(inputs), np.concatenate(np.split(recurrent, gates, axis=1))


def _joined(weight_ih: Array, weight_hh: Array, biases: Array, order: tuple[int, ...]) -> Layout:
    """The rows of every array with their gates in another order."""

    def ordered(array: Array) -> Array:
        parts = np.split(array, len(order))
        return np.ascontiguousarray(np.concatenate([parts[gate] for gate in order]))

    return ordered(weight_ih), ordered(weight_hh), ordered(biases[0]), ordered(biases[1])
