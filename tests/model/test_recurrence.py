"""Every implementation of a recurrence against PyTorch's own modules and against the equations, in float64."""

import pytest
import torch
from torch import Tensor, nn

from understudy.errors import TextError
from understudy.model.config import STATES, Cell
from understudy.model.recurrence import (
    Embedded,
    LayerWeights,
    Recurrence,
    compiled,
    native,
    recurrence_for,
    reference,
)
from understudy.model.recurrence.cpu import CpuRecurrence

T, B, E, H = 7, 3, 5, 6
GATES: dict[Cell, int] = {"gru": 3, "lstm": 4}
IMPLEMENTATIONS: list[tuple[str, Cell, Recurrence]] = [
    ("reference", "gru", reference.gru),
    ("reference", "lstm", reference.lstm),
    ("native", "gru", native.gru),
    ("native", "lstm", native.lstm),
    ("cpu", "gru", CpuRecurrence("gru")),
    ("cpu", "lstm", CpuRecurrence("lstm")),
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


def results(
    recurrence: Recurrence, cell: Cell, dtype: torch.dtype, products: torch.dtype, lanes: int = 5, units: int = 40
) -> list[Tensor]:
    """Outputs, state and gradients of a layer of whole numbers of 1/64: equal in every type."""
    G, generator = GATES[cell], torch.Generator().manual_seed(0)

    def exact(*shape: int, scale: float = 1) -> Tensor:
        drawn = torch.randint(-32, 33, shape, generator=generator) / 64 * scale
        return drawn.to(dtype).requires_grad_()

    weights = LayerWeights(exact(G * units, E), exact(G * units, units, scale=0.5), exact(G * units), exact(G * units))
    embedding, ids = exact(9, E), torch.randint(9, (T, lanes), generator=generator)
    state = tuple(exact(lanes, units) for _ in range(STATES[cell]))
    outputs, after = recurrence(Embedded(ids, embedding), weights, state, products)
    wanted = exact(T, lanes, units).detach()
    loss = (outputs * wanted).sum() + sum(part.square().sum() for part in after)
    return [outputs, *after, *torch.autograd.grad(loss, [embedding, *weights, *state])]


@pytest.mark.parametrize(("products", "share"), [(torch.float32, 2e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_other_types_are_exact_to_their_own_rounding(cell: Cell, products: torch.dtype, share: float) -> None:
    equations = reference.gru if cell == "gru" else reference.lstm
    exact = results(equations, cell, torch.float64, torch.float64)
    got = results(CpuRecurrence(cell), cell, torch.float32, products)
    for mine, wanted in zip(got, exact, strict=True):
        assert (mine.double() - wanted).abs().max() <= share * wanted.abs().max()
        assert (mine.double() - wanted).square().mean().sqrt() <= share / 2 * wanted.square().mean().sqrt()


@pytest.mark.parametrize("products", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_number_of_threads_changes_no_bit(cell: Cell, products: torch.dtype) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            recurrence = CpuRecurrence(cell)
            with torch.no_grad():
                _, weights, _ = layer(cell)
                big = LayerWeights(*(weight.repeat(50, *[1] * (weight.dim() - 1)).float() for weight in weights))
                big = big._replace(weight_hh=big.weight_hh.repeat(1, 50) / 50)
                state = tuple(torch.ones(32, 50 * H) for _ in range(STATES[cell]))
                outputs, after = recurrence(torch.ones(T, 32, E), big, state, products)
            found.append((outputs, *after))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for mine, wanted in zip(other, found[0], strict=True):
            assert torch.equal(mine, wanted)


@pytest.mark.parametrize("products", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_is_not_a_number_stays_so(cell: Cell, products: torch.dtype) -> None:
    _, weights, state = layer(cell)
    with torch.no_grad():
        inputs = torch.zeros(T, B, E)
        inputs[2, 1] = torch.nan
        single = LayerWeights(*(weight.float() for weight in weights))
        outputs, _ = CpuRecurrence(cell)(inputs, single, tuple(part.float() for part in state), products)
    lost = outputs.isnan().any(-1)
    assert lost[2:, 1].all()
    assert not lost[:2].any()
    assert not lost[:, [0, 2]].any()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_saturated_gates_lose_nothing(cell: Cell) -> None:
    equations = reference.gru if cell == "gru" else reference.lstm
    _, weights, state = layer(cell)
    for scale in (30, 3000):
        far = LayerWeights(*(scale * weight.detach() for weight in weights))
        inputs = random(T, B, E, seed=9)
        outputs, after = CpuRecurrence(cell)(
            inputs.float(),
            LayerWeights(*(w.float() for w in far)),
            tuple(part.float() for part in state),
            torch.float32,
        )
        expected, wanted = equations(inputs, far, state, torch.float64)
        close = (outputs.double() - expected).abs() < 1e-3
        assert close.double().mean() > 0.99  # a gate at its tipping point may fall the other way
        assert all(part.isfinite().all() for part in after)
        assert all(part.isfinite().all() for part in wanted)


@pytest.mark.parametrize(("products", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.04)])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_a_compiler_pytorch_s_modules_serve(
    cell: Cell, products: torch.dtype, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "available", lambda: False)
    recurrence = recurrence_for(cell, torch.device("cpu"))
    assert not isinstance(recurrence, CpuRecurrence)
    inputs, weights, state = layer(cell)
    exact, _ = (reference.gru if cell == "gru" else reference.lstm)(inputs, weights, state, torch.float64)
    leaves = [part.detach().float().requires_grad_() for part in (inputs, *weights, *state)]
    outputs, after = recurrence(leaves[0], LayerWeights(*leaves[1:5]), tuple(leaves[5:]), products)
    assert outputs.dtype == products
    assert all(part.dtype == torch.float32 for part in after)
    torch.testing.assert_close(outputs.double(), exact, atol=within, rtol=0)
    wanted = torch.autograd.grad((exact * exact).sum(), [inputs, *weights])
    got = torch.autograd.grad((outputs.float() ** 2).sum(), leaves[:5])
    for mine, theirs in zip(got, wanted, strict=True):
        assert (mine.double() - theirs).norm() < within * theirs.norm()


@pytest.mark.parametrize("wrong", [-1, -(2**40), 4, 2**40])
@pytest.mark.parametrize("symbols", [4, 600])  # fewer than the batch has places, and more
@each
def test_an_id_outside_of_the_table_is_named_before_it_is_looked_up(
    cell: Cell, recurrence: Recurrence, symbols: int, wrong: int
) -> None:
    _, weights, state = layer(cell)
    ids = torch.zeros(T, B, dtype=torch.int64)
    ids[3, 1] = wrong if wrong != 4 else symbols
    with pytest.raises(TextError, match=rf"an id of {int(ids[3, 1])} .*expected 0 to {symbols - 1}"):
        recurrence(Embedded(ids, random(symbols, E)), weights, state, torch.float64)


@each
def test_ids_of_any_type_are_looked_up(cell: Cell, recurrence: Recurrence) -> None:
    _, weights, state = layer(cell)
    ids, embedding = torch.randint(4, (T, B), generator=torch.Generator().manual_seed(1)), random(4, E)
    expected, _ = recurrence(Embedded(ids, embedding), weights, state, torch.float64)
    for kind in (torch.uint8, torch.int16, torch.int32):
        outputs, _ = recurrence(Embedded(ids.to(kind), embedding), weights, state, torch.float64)
        assert torch.equal(outputs, expected)
