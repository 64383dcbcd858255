"""Sequences whose matrix products are made in the kernels, where the processor has the instructions for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from understudy.model.config import GATES, STATES, Cell
from understudy.model.recurrence import Embedded, LayerWeights, compiled, cpu, reference
from understudy.model.recurrence.cpu import CpuRecurrence

T, E, V = 6, 5, 9

TYPES = [kind for kind in (torch.float32, torch.bfloat16) if compiled.tiles_serve(kind, compiled.TILE)]

pytestmark = pytest.mark.skipif(not TYPES, reason="this processor multiplies no tiles")
each_cell = pytest.mark.parametrize("cell", ["gru", "lstm"])
each_type = pytest.mark.parametrize("products", TYPES, ids=str)
WITHIN = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


def results(cell: Cell, products: torch.dtype, lanes: int, units: int, *, looked_up: bool = True) -> list[Tensor]:
    """Outputs, state and gradients of a layer."""
    generator = torch.Generator().manual_seed(lanes + units)

    def drawn(*shape: int, scale: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=generator).mul_(scale).requires_grad_()

    def whole(*shape: int) -> Tensor:  # whole numbers of 1/64: the input products are exact, whoever makes them
        return torch.randint(-32, 33, shape, generator=generator).float().div_(64).requires_grad_()

    G = GATES[cell]
    weights = LayerWeights(
        whole(G * units, E), drawn(G * units, units, scale=units**-0.5), whole(G * units), whole(G * units)
    )
    embedding, ids = whole(V, E), torch.randint(V, (T, lanes), generator=generator)
    inputs = Embedded(ids, embedding) if looked_up else embedding[ids].detach().requires_grad_()
    state = tuple(drawn(lanes, units) for _ in range(STATES[cell]))
    outputs, after = CpuRecurrence(cell)(inputs, weights, state, products)
    loss = (outputs * drawn(T, lanes, units)).sum() + sum(part.square().sum() for part in after)
    sources = [embedding if isinstance(inputs, Embedded) else inputs, *weights, *state]
    return [part.float() for part in (outputs, *after, *torch.autograd.grad(loss, sources))]


def stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "tiles_serve", lambda *_: False)


@each_cell
@each_type
@pytest.mark.parametrize("lanes", [1, 2, 5, 6, 7, 8, 13, 32])
@pytest.mark.parametrize("units", [64, 192])
def test_whole_sequences_equal_step_by_step(
    cell: Cell, products: torch.dtype, lanes: int, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results(cell, products, lanes, units)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(cell, products, lanes, units), strict=True):
        assert (mine - wanted).norm() <= WITHIN[products] * wanted.norm()


@each_cell
@each_type
def test_the_same_where_the_inputs_are_vectors(
    cell: Cell, products: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results(cell, products, 7, 128, looked_up=False)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(cell, products, 7, 128, looked_up=False), strict=True):
        assert (mine - wanted).norm() <= WITHIN[products] * wanted.norm()


@each_cell
@each_type
def test_whole_numbers_come_out_exact(cell: Cell, products: torch.dtype) -> None:
    """A product of small whole numbers is exact in bfloat16 with float32 sums: each weight is at its own place."""
    units, lanes = 128, 9
    generator = torch.Generator().manual_seed(1)

    def whole(*shape: int) -> Tensor:
        return torch.randint(-2, 3, shape, generator=generator).float()

    G = GATES[cell]
    weights = LayerWeights(torch.zeros(G * units, E), whole(G * units, units) / 64, *torch.zeros(2, G * units))
    state = tuple(whole(lanes, units) for _ in range(STATES[cell]))
    outputs, after = CpuRecurrence(cell)(torch.zeros(1, lanes, E), weights, state, products)
    equations = reference.gru if cell == "gru" else reference.lstm
    expected, wanted = equations(torch.zeros(1, lanes, E), weights, state, torch.float32)
    for mine, theirs in zip(after, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(outputs.float(), expected, atol=4e-3, rtol=4e-3)


@each_cell
@each_type
def test_the_number_of_threads_changes_no_bit(cell: Cell, products: torch.dtype) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(results(cell, products, 24, 320))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for mine, wanted in zip(other, found[0], strict=True):
            assert torch.equal(mine, wanted)


@each_cell
@each_type
def test_a_lane_does_not_depend_on_the_lanes_beside_it(cell: Cell, products: torch.dtype) -> None:
    G, generator = GATES[cell], torch.Generator().manual_seed(0)
    shapes = (G * 64, E), (G * 64, 64), (G * 64,), (G * 64,)
    weights = LayerWeights(*(torch.randn(*shape, generator=generator) / 8 for shape in shapes))
    state = tuple(torch.randn(11, 64, generator=generator) for _ in range(STATES[cell]))
    embedding, ids = torch.randn(4, E, generator=generator), torch.randint(4, (T, 11), generator=generator)
    together, _ = CpuRecurrence(cell)(Embedded(ids, embedding), weights, state, products)
    for lane in (0, 6, 10):
        mine = slice(lane, lane + 1)
        inputs = Embedded(ids[:, mine], embedding)
        alone, _ = CpuRecurrence(cell)(inputs, weights, tuple(s[mine] for s in state), products)
        assert torch.equal(alone, together[:, mine])


@pytest.mark.slow
def test_fewer_threads_than_asked_for_do_all_the_work() -> None:
    """OpenMP may give a smaller team than PyTorch asks for, as under a limit from outside.

    Compared are outputs, state, and the gradient of the first state: the weights' is a product of PyTorch's own, which
    loses parts of itself then.
    """
    program = (
        "import sys, torch; sys.path.insert(0, sys.argv[1]); torch.set_num_threads(2)\n"
        "from tests.model.test_tiles import TYPES, results\n"
        "whole = [results('gru', kind, 24, 320) for kind in TYPES]\n"
        "print([[parts[place].double().sum().item() for place in (0, 1, -1)] for parts in whole])"
    )
    root = Path(__file__).parents[2]
    printed = {
        subprocess.run(
            [sys.executable, "-c", program, str(root)],
            env={**os.environ, "OMP_THREAD_LIMIT": limit},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for limit in ("1", "2")
    }
    assert len(printed) == 1
