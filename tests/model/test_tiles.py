"""Sequences whose matrix products are made in the kernels, where the processor has the instructions for it."""

import pytest
import torch
from torch import Tensor

from understudy.model.config import GATES, STATES, Cell
from understudy.model.recurrence import Embedded, LayerWeights, compiled, cpu, reference
from understudy.model.recurrence.cpu import CpuRecurrence

T, E, V = 6, 5, 9

pytestmark = pytest.mark.skipif(
    not compiled.tiles_serve(torch.bfloat16, compiled.TILE), reason="this processor multiplies no bfloat16 tiles"
)
each_cell = pytest.mark.parametrize("cell", ["gru", "lstm"])


def results(recurrence: CpuRecurrence, cell: Cell, lanes: int, units: int, *, looked_up: bool = True) -> list[Tensor]:
    """Outputs, state and gradients of a layer in bfloat16."""
    generator = torch.Generator().manual_seed(lanes + units)

    def drawn(*shape: int, scale: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator).mul_(scale).requires_grad_()

    G = GATES[cell]
    weights = LayerWeights(
        drawn(G * units, E), drawn(G * units, units, scale=units**-0.5), drawn(G * units), drawn(G * units)
    )
    embedding, ids = drawn(V, E), torch.randint(V, (T, lanes), generator=generator)
    inputs = Embedded(ids, embedding) if looked_up else embedding[ids].detach().requires_grad_()
    state = tuple(drawn(lanes, units) for _ in range(STATES[cell]))
    outputs, after = recurrence(inputs, weights, state, torch.bfloat16)
    loss = (outputs * drawn(T, lanes, units)).sum() + sum(part.square().sum() for part in after)
    sources = [embedding if isinstance(inputs, Embedded) else inputs, *weights, *state]
    return [part.float() for part in (outputs, *after, *torch.autograd.grad(loss, sources))]


def stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "tiles_serve", lambda *_: False)


@each_cell
@pytest.mark.parametrize("lanes", [1, 2, 5, 6, 7, 8, 13, 32])
@pytest.mark.parametrize("units", [64, 192])
def test_whole_sequences_equal_step_by_step(
    cell: Cell, lanes: int, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results(CpuRecurrence(cell), cell, lanes, units)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(CpuRecurrence(cell), cell, lanes, units), strict=True):
        assert (mine - wanted).norm() <= 0.01 * wanted.norm()


@each_cell
def test_the_same_where_the_inputs_are_vectors(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = results(CpuRecurrence(cell), cell, 7, 128, looked_up=False)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(CpuRecurrence(cell), cell, 7, 128, looked_up=False), strict=True):
        assert (mine - wanted).norm() <= 0.01 * wanted.norm()


@each_cell
def test_whole_numbers_come_out_exact(cell: Cell) -> None:
    """A product of small whole numbers is exact in bfloat16 with float32 sums: each weight is at its own place."""
    units, lanes = 128, 9
    generator = torch.Generator().manual_seed(1)

    def whole(*shape: int) -> Tensor:
        return torch.randint(-2, 3, shape, generator=generator).float()

    G = GATES[cell]
    weights = LayerWeights(torch.zeros(G * units, E), whole(G * units, units) / 64, *torch.zeros(2, G * units))
    state = tuple(whole(lanes, units) for _ in range(STATES[cell]))
    outputs, after = CpuRecurrence(cell)(torch.zeros(1, lanes, E), weights, state, torch.bfloat16)
    equations = reference.gru if cell == "gru" else reference.lstm
    expected, wanted = equations(torch.zeros(1, lanes, E), weights, state, torch.float32)
    for mine, theirs in zip(after, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(outputs.float(), expected, atol=4e-3, rtol=4e-3)


@each_cell
def test_the_number_of_threads_changes_no_bit(cell: Cell) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(results(CpuRecurrence(cell), cell, 24, 320))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for mine, wanted in zip(other, found[0], strict=True):
            assert torch.equal(mine, wanted)


@each_cell
def test_a_lane_does_not_depend_on_the_lanes_beside_it(cell: Cell) -> None:
    G, generator = GATES[cell], torch.Generator().manual_seed(0)
    shapes = (G * 64, E), (G * 64, 64), (G * 64,), (G * 64,)
    weights = LayerWeights(*(torch.randn(*shape, generator=generator) / 8 for shape in shapes))
    state = tuple(torch.randn(11, 64, generator=generator) for _ in range(STATES[cell]))
    inputs = torch.randn(T, 11, E, generator=generator)
    together, _ = CpuRecurrence(cell)(inputs, weights, state, torch.bfloat16)
    for lane in (0, 6, 10):
        mine = slice(lane, lane + 1)
        alone, _ = CpuRecurrence(cell)(inputs[:, mine], weights, tuple(s[mine] for s in state), torch.bfloat16)
        assert torch.equal(alone, together[:, mine])
