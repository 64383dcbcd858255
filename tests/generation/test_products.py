"""Products of eight bits: whole numbers, whose sums no processor gets wrong, on any path."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.generation.paths import paths_here, taking
from tests.portable.examples import MODELS, opinionated
from understudy.errors import ModelFileError
from understudy.generation.portable.arithmetic import Floats, whole
from understudy.generation.portable.engine import PortableEngine
from understudy.generation.portable.packing import NUMBERS, Numbers, pack
from understudy.model.config import LIMITS, ModelConfig
from understudy.model.file import ModelFile
from understudy.text.vocabulary import Vocabulary

ODD = [0.0, -0.0, 1.0, -1.0, 0.5 / 64, 1.5 / 64, -2.5 / 64, 1e-45, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan]


def unmoved(output: Floats, bias: Floats) -> ModelFile:
    """A GRU that keeps its h (H,), whatever it reads, and gives the output layer's product with it as logits (V,)."""
    config = ModelConfig("gru", output.shape[0], 1, output.shape[1], 1)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in config.shapes().items()}
    tensors["layers.0.bias_ih"][config.units : 2 * config.units] = 100  # z is 1
    tensors |= {"output.weight": output, "output.bias": bias}
    symbols = "".join(map(chr, range(0x100, 0x100 + config.vocabulary)))
    return ModelFile(config, Vocabulary("characters", symbols), {}, tensors)


def products(output: Floats, bias: Floats, h: Floats) -> dict[str, Floats]:
    """The product of the output layer with states (B, H) by every path, (B, V)."""
    found = {}
    for path in paths_here():
        with taking(path):
            writer = PortableEngine(unmoved(output, bias), numbers="int8", threads=1)
        found[path], (after,) = writer.read(np.zeros((1, len(h)), np.int64), (h,))
        assert np.array_equal(after, h)
    return found


def rounded(numbers: list[float]) -> NDArray[np.int64]:
    with np.errstate(over="ignore"):
        return whole(np.array(numbers, np.float32)).astype(np.int64)


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
def test_no_two_neighbouring_products_leave_sixteen_bits(config: ModelConfig) -> None:
    """x86 processors without VNNI add two products of an unsigned and a signed byte in 16 bits, and cut the sum.

    A path makes one of the two unsigned by adding 64 to a state, or 127 to a weight.
    """
    model = opinionated(config)
    sharpest = {name: np.where(tensor < 0, -1, 1).astype(np.float32) for name, tensor in model.tensors.items()}
    sharpest |= {name: tensor for name, tensor in model.tensors.items() if "codes" in name}
    given = rounded([*ODD, *np.linspace(-1.1, 1.1, 99)])
    for tensors in (model.tensors, sharpest):
        packed = pack(replace(model, tensors=tensors))
        matrices = [(matrix.rows, given) for matrix in packed.layers]
        if packed.input_weight is not None:
            matrices.append((packed.input_weight.rows, packed.inputs.rows.astype(np.int64)))
        for rows, inputs in matrices:
            assert rows.dtype == np.int8
            weights = rows.astype(np.int64)
            assert np.abs(weights).max() == 127 or not weights.any()
            assert np.abs(inputs).max() == 64
            for unsigned, signed in ((inputs + 64, weights), (weights + 127, inputs)):
                assert unsigned.min() >= 0
                assert unsigned.max() <= 255
                assert 2 * unsigned.max() * np.abs(signed).max() <= np.iinfo(np.int16).max
                assert LIMITS["units"] * unsigned.max() * np.abs(signed).max() <= np.iinfo(np.int32).max


def test_what_is_no_number_between_minus_one_and_one_is_the_nearest_that_is() -> None:
    assert rounded(ODD).tolist() == [0, 0, 64, -64, 0, 2, -2, 0, 64, -64, 64, -64, -64]


@pytest.mark.parametrize("inputs", [1, 7, 64, 513, pytest.param(2065, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rows", [1, 3, 64])
def test_the_largest_sums_are_those_of_whole_numbers(inputs: int, rows: int) -> None:
    """Every weight at the end of its range, every input at the end of its own: the sum is known without arithmetic."""
    signs = np.where(np.arange(rows) % 2, -1, 1).astype(np.float32)
    weight = np.stack([np.full(inputs, 0.5), np.full(inputs, -0.5), np.where(np.arange(inputs) % 3, -3, 3)])
    bias = np.array([0, 1, 0], np.float32)
    thirds = float(np.where(np.arange(inputs) % 3, -3, 3).sum())
    expected = signs[:, None] * np.array([inputs / 2, -inputs / 2, thirds]) + bias
    for path, found in products(weight.astype(np.float32), bias, np.repeat(signs[:, None], inputs, 1)).items():
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=path)


def whole_numbers(most: int, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Whole numbers up to `most`, both ends of the range among them, side by side too."""
    found = np.random.default_rng(most).integers(-most, most + 1, shape)
    found[:, 0], found[0], found[1, ::2], found[1, 1::2] = most, most, -most, most
    return found


def test_sums_equal_integer_arithmetic_on_every_path() -> None:
    """Inputs and weights that the whole numbers hold exactly: the product is the one of integers, to the last bit."""
    weights, steps = whole_numbers(127, (40, 301)), whole_numbers(64, (9, 301))
    output, bias = (weights / 128).astype(np.float32), np.zeros(40, np.float32)
    expected = (steps @ weights.T / (64 * 128)).astype(np.float32)
    for path, found in products(output, bias, (steps / 64).astype(np.float32)).items():
        assert np.array_equal(found, expected), path


def test_a_state_is_rounded_to_the_nearest_and_halves_to_even_on_every_path() -> None:
    halves = np.arange(-64, 64) + 0.5
    h = (np.concatenate([halves, halves + 1e-3, halves - 1e-3]) / 64).astype(np.float32)[:, None]
    expected = [round(float(number)) for number in np.clip(h[:, 0].astype(np.float64) * 64, -64, 64)]
    output, bias = np.array([[127 / 128]], np.float32), np.zeros(1, np.float32)
    for path, found in products(output, bias, h).items():
        assert (found[:, 0] * (64 * 128 / 127)).round().tolist() == expected, path


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
def test_weights_whose_sums_are_not_finite_are_refused(config: ModelConfig, numbers: Numbers) -> None:
    model = opinionated(config)
    huge = {name: np.full_like(tensor, 3e38) for name, tensor in model.tensors.items() if "codes" not in name}
    with pytest.raises(ModelFileError, match="not finite"):
        pack(replace(model, tensors={**model.tensors, **huge}), numbers)
