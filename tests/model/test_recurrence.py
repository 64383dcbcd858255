"""Every implementation of a recurrence against PyTorch's own modules and against the equations, in float64."""

import pytest
import torch
from torch import Tensor, nn

from understudy.model.config import STATES, Cell
from understudy.model.recurrence import Embedded, LayerWeights, Recurrence, native, recurrence_for, reference
from understudy.model.recurrence.cpu_gru import CpuGru
from understudy.model.recurrence.cpu_lstm import CpuLstm
from understudy.model.recurrence.inputs import sums_by_symbol

T, B, E, H = 7, 3, 5, 6
GATES: dict[Cell, int] = {"gru": 3, "lstm": 4}
IMPLEMENTATIONS: list[tuple[str, Cell, Recurrence]] = [
    ("reference", "gru", reference.gru),
    ("reference", "lstm", reference.lstm),
    ("native", "gru", native.gru),
    ("native", "lstm", native.lstm),
    ("cpu", "gru", CpuGru()),
    ("cpu", "lstm", CpuLstm()),
]
NAMES = [f"{name}-{cell}" for name, cell, _ in IMPLEMENTATIONS]
each = pytest.mark.parametrize(("cell", "recurrence"), [entry[1:] for entry in IMPLEMENTATIONS], ids=NAMES)


def random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()


def layer(cell: Cell) -> tuple[Tensor, LayerWeights, tuple[Tensor, ...]]:
    G = GATES[cell]
    weights = LayerWeights(random(G * H, E), random(G * H, H), random(G * H, seed=1), random(G * H, seed=2))
    return random(T, B, E), weights, tuple(random(B, H, seed=part) for part in range(STATES[cell]))


@each
def test_outputs_and_gradients_equal_torch_modules(cell: Cell, recurrence: Recurrence) -> None:
    inputs, weights, state = layer(cell)
    module = (nn.GRU if cell == "gru" else nn.LSTM)(E, H, dtype=torch.float64)
    with torch.no_grad():
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), weights, strict=True):
            getattr(module, f"{name}_l0").copy_(value)
    before = [part[None] for part in state]
    expected, after = module(inputs, before[0] if cell == "gru" else tuple(before))
    expected_state = [after] if cell == "gru" else list(after)

    outputs, new = recurrence(inputs, weights, state, torch.float64)

    assert outputs.shape == (T, B, H)
    torch.testing.assert_close(outputs, expected)
    for mine, theirs in zip(new, expected_state, strict=True):
        torch.testing.assert_close(mine, theirs[0])
    wanted = torch.autograd.grad(
        (expected * random(T, B, H)).sum() + sum(part.sum() for part in expected_state),
        [inputs, *module.parameters(), *state],
    )
    got = torch.autograd.grad(
        (outputs * random(T, B, H)).sum() + sum(part.sum() for part in new), [inputs, *weights, *state]
    )
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize(("cell", "recurrence"), [entry[1:] for entry in IMPLEMENTATIONS[:4]], ids=NAMES[:4])
def test_gradients_equal_finite_differences(cell: Cell, recurrence: Recurrence) -> None:
    inputs, weights, state = layer(cell)

    def flat(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        outputs, after = recurrence(x, LayerWeights(*rest[:4]), rest[4:], torch.float64)
        return (outputs, *after)

    assert torch.autograd.gradcheck(flat, (inputs, *weights, *state))


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_buffers_are_not_shared_by_layers_in_flight_and_serve_once(cell: Cell) -> None:
    recurrence = recurrence_for(cell, torch.device("cpu"))
    inputs, weights, state = layer(cell)
    first, _ = recurrence(inputs, weights, state, torch.float64)
    second, _ = recurrence(2 * inputs, weights, state, torch.float64)
    equations = reference.gru if cell == "gru" else reference.lstm
    for outputs, scale in ((first, 1), (second, 2)):
        expected, _ = equations(scale * inputs, weights, state, torch.float64)
        got = torch.autograd.grad(outputs.sum(), [inputs, *weights], retain_graph=True)
        torch.testing.assert_close(got, torch.autograd.grad(expected.sum(), [inputs, *weights]))
    with pytest.raises(RuntimeError, match="only once"):
        torch.autograd.grad(first.sum(), inputs)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_buffers_first_used_in_inference_mode_serve_in_training(cell: Cell) -> None:
    recurrence = recurrence_for(cell, torch.device("cpu"))
    inputs, weights, state = layer(cell)
    with torch.inference_mode():
        expected, _ = recurrence(inputs, weights, state, torch.float64)
    outputs, _ = recurrence(inputs, weights, state, torch.float64)
    outputs.sum().backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    torch.testing.assert_close(outputs.detach(), expected.clone())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_folded_table_equals_looking_up_and_multiplying(cell: Cell) -> None:
    recurrence = recurrence_for(cell, torch.device("cpu"))
    equations = reference.gru if cell == "gru" else reference.lstm
    for symbols in (4, 600):  # fewer than the batch has places, and more
        _, weights, state = layer(cell)
        embedding, ids = random(symbols, E), torch.randint(symbols, (T, B))
        outputs, _ = recurrence(Embedded(ids, embedding), weights, state, torch.float64)
        expected, _ = equations(Embedded(ids, embedding), weights, state, torch.float64)
        torch.testing.assert_close(outputs, expected)
        got = torch.autograd.grad(outputs.square().sum(), [embedding, *weights, *state])
        torch.testing.assert_close(got, torch.autograd.grad(expected.square().sum(), [embedding, *weights, *state]))


@pytest.mark.parametrize("symbols", [5, 600])
def test_sums_by_symbol_are_sums(symbols: int) -> None:
    ids, d = torch.randint(symbols, (T, B)), random(T, B, H).detach()
    sums = sums_by_symbol(ids, symbols, d)
    for symbol in range(symbols):
        torch.testing.assert_close(sums[symbol], d[ids == symbol].sum(0))


@each
def test_chunked_equals_whole(cell: Cell, recurrence: Recurrence) -> None:
    inputs, weights, state = layer(cell)
    whole, after = recurrence(inputs, weights, state, torch.float64)
    pieces = []
    for piece in (inputs[:1], inputs[1:5], inputs[5:]):
        out, state = recurrence(piece, weights, state, torch.float64)
        pieces.append(out)
    torch.testing.assert_close(torch.cat(pieces), whole)
    torch.testing.assert_close(state, after)
