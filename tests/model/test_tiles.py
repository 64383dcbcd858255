"""Sequences whose matrix products are made in the kernels, in each set of instructions that the processor has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from understudy.errors import ConfigError
from understudy.model.config import GATES, STATES, Cell
from understudy.model.paths import CHOICE
from understudy.model.recurrence import Embedded, LayerWeights, compiled, native, recurrence_for, reference
from understudy.model.recurrence.cpu import CpuRecurrence

T, E, V = 6, 5, 9

KINDS = [(path, kind) for path in compiled._paths() for kind in compiled._tile_types(path)]

each_cell = pytest.mark.parametrize("cell", ["gru", "lstm"])
WITHIN = {torch.float32: 1e-5, torch.bfloat16: 1e-2}


@pytest.fixture(params=range(max(1, len(KINDS))), ids=str)
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """A type of products that a path makes itself; the path is taken."""
    if not KINDS:
        pytest.skip("this processor multiplies no tiles")
    kind: torch.dtype
    path, kind = KINDS[request.param]
    monkeypatch.setenv(CHOICE, path)
    assert compiled.tiles_serve(kind, compiled.TILE)
    return kind


def results(
    cell: Cell, products: torch.dtype, lanes: int, units: int, *, looked_up: bool = True, steps: int = T
) -> list[Tensor]:
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
    embedding, ids = whole(V, E), torch.randint(V, (steps, lanes), generator=generator)
    inputs = Embedded(ids, embedding) if looked_up else embedding[ids].detach().requires_grad_()
    state = tuple(drawn(lanes, units) for _ in range(STATES[cell]))
    outputs, after = CpuRecurrence(cell)(inputs, weights, state, products)
    loss = (outputs * drawn(steps, lanes, units)).sum() + sum(part.square().sum() for part in after)
    sources = [embedding if isinstance(inputs, Embedded) else inputs, *weights, *state]
    return [part.float() for part in (outputs, *after, *torch.autograd.grad(loss, sources))]


def stepwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "plain")


@each_cell
@pytest.mark.parametrize("lanes", [1, 2, 5, 6, 7, 8, 13, 32, 33, 71])
@pytest.mark.parametrize(("units", "steps"), [(64, T), (192, T), (64, 1), (128, 2), (448, 2)])
def test_whole_sequences_equal_step_by_step(
    cell: Cell, products: torch.dtype, lanes: int, units: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results(cell, products, lanes, units, steps=steps)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(cell, products, lanes, units, steps=steps), strict=True):
        assert (mine - wanted).norm() <= WITHIN[products] * wanted.norm()


@each_cell
def test_the_same_where_the_inputs_are_vectors(
    cell: Cell, products: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = results(cell, products, 7, 128, looked_up=False)
    stepwise(monkeypatch)
    for mine, wanted in zip(whole, results(cell, products, 7, 128, looked_up=False), strict=True):
        assert (mine - wanted).norm() <= WITHIN[products] * wanted.norm()


@each_cell
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


@pytest.mark.skipif(len(KINDS) < 2, reason="this processor has one set of instructions")
@each_cell
def test_every_set_of_instructions_gives_the_same(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Float32 sums are those of k in order, whoever makes them."""
    found = []
    for path, kind in KINDS:
        if kind is torch.float32:
            monkeypatch.setenv(CHOICE, path)
            found.append(results(cell, kind, 7, 192)[0])
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], atol=1e-6, rtol=1e-6)


def test_off_leaves_all_to_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("off", "numpy"):  # the second is how writing calls it
        monkeypatch.setenv(CHOICE, word)
        assert recurrence_for("gru", torch.device("cpu")) is native.gru
        assert compiled.described() == f"PyTorch's modules (UNDERSTUDY_KERNELS is {word})"


@pytest.mark.parametrize("word", ["avx", "AVX2", "sse"])
def test_a_path_that_is_not_here_is_refused(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, word)
    with pytest.raises(ConfigError, match=rf"^UNDERSTUDY_KERNELS {word}: expected one of .*off$"):
        recurrence_for("gru", torch.device("cpu"))


@pytest.mark.slow
def test_fewer_threads_than_asked_for_do_all_the_work() -> None:
    """OpenMP may give a smaller team than PyTorch asks for, as under a limit from outside.

    Compared are outputs, state, and the gradient of the first state: the weights' is a product of PyTorch's own, which
    loses parts of itself then.
    """
    program = (
        "import sys, torch; sys.path.insert(0, sys.argv[1]); torch.set_num_threads(2)\n"
        "from tests.model.test_tiles import WITHIN, results\n"
        "whole = [results('gru', kind, 24, 320) for kind in WITHIN]\n"
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
