import pytest
import torch
from torch.nn import functional as F

from understudy.errors import ConfigError
from understudy.model.chance import CpuDraws
from understudy.model.config import Cell, ModelConfig
from understudy.model.initialization import initialize
from understudy.model.network import Dropout, Network, shifted
from understudy.model.summary import summary
from understudy.text.batches import ALL

V, E, H, L, T, B = 11, 6, 8, 2, 9, 4


def network(cell: Cell = "lstm", layers: int = L, precision: torch.dtype = torch.float32) -> Network:
    made = Network(ModelConfig(cell, V, E, H, layers), precision=precision)
    initialize(made, "default", seed=3)
    return made


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_shapes_and_the_state_are_values(cell: Cell) -> None:
    net = network(cell)
    ids = torch.randint(V, (T, B))
    state = net.zero_state(B)
    logits, after = net(ids, state)
    assert logits.shape == (T, B, V)
    assert [[part.shape for part in layer] for layer in after] == [[(B, H)] * (2 if cell == "lstm" else 1)] * L
    assert all(not part.any() for layer in state for part in layer), "the state that went in is untouched"
    again, _ = net(ids, state)
    assert torch.equal(logits, again), "nothing is kept inside"


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_chunked_equals_whole(cell: Cell) -> None:
    net = network(cell).double()
    ids = torch.randint(V, (T, B))
    whole, after = net(ids, net.zero_state(B))
    first, middle = net(ids[:4], net.zero_state(B))
    second, end = net(ids[4:], middle)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(end, after)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_streams_do_not_mix(cell: Cell) -> None:
    net = network(cell).double()
    ids = torch.randint(V, (T, B))
    whole, _ = net(ids, net.zero_state(B))
    alone, _ = net(ids[:, 2:3], net.zero_state(1))
    torch.testing.assert_close(whole[:, 2:3], alone)


def test_bfloat16_products_keep_float32_parameters_state_and_logits() -> None:
    exact, rough = network(), network(precision=torch.bfloat16)
    ids = torch.randint(V, (T, B))
    logits, state = rough(ids, rough.zero_state(B))
    assert logits.dtype == torch.float32
    assert all(part.dtype == torch.float32 for layer in state for part in layer)
    F.cross_entropy(logits.flatten(0, 1), ids.flatten()).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in rough.parameters())
    expected, _ = exact(ids, exact.zero_state(B))
    torch.testing.assert_close(logits, expected, atol=0.05, rtol=0.05)


def test_dropout_is_a_function_of_its_generator() -> None:
    net = network()
    ids = torch.randint(V, (T, B))

    def run(seed: int | None) -> torch.Tensor:
        dropout = None if seed is None else Dropout(0.5, CpuDraws(seed, "dropout").words, B, ALL)
        logits: torch.Tensor = net(ids, net.zero_state(B), dropout)[0]
        return logits

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))
    assert not torch.equal(run(1), run(None))


def test_dropout_keeps_the_mean() -> None:
    dropped = Dropout(0.3, CpuDraws(0, "dropout").words, 500, ALL)(torch.ones(200, 500))
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0, 1 / 0.7])
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)


def test_shifted_state_moves_each_lane_to_the_next_and_starts_the_first_from_zero() -> None:
    lanes = torch.arange(1.0, 5.0)[:, None].expand(4, H)
    ((moved,),) = shifted(((lanes,),), torch.zeros_like)
    assert moved[:, 0].tolist() == [0, 1, 2, 3]


def test_parameters_are_counted_right() -> None:
    for cell in ("gru", "lstm"):
        net = network(cell)
        counted = sum(parameter.numel() for parameter in net.parameters())
        assert counted == net.config.parameters == sum(row.parameters for row in summary(net.config))
        assert {name: tuple(p.shape) for name, p in net.named_parameters()} == net.config.shapes()


def test_tutorial_model_has_the_parameters_that_keras_counts() -> None:
    rows = summary(ModelConfig("gru", 65, 256, 1024, 1))
    # embedding 65·256; GRU 3·(256·1024 + 1024·1024 + 2·1024); dense 1024·65 + 65
    assert [row.parameters for row in rows] == [16_640, 3_938_304, 66_625]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("scheme", ["default", "keras"])
def test_initialization_is_a_function_of_the_seed(cell: Cell, scheme: str) -> None:
    def made(seed: int) -> dict[str, torch.Tensor]:
        net = Network(ModelConfig(cell, V, E, H, L))
        initialize(net, scheme, seed)  # type: ignore[arg-type]
        return net.state_dict()

    one, same, other = made(1), made(1), made(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["layers.0.weight_hh"], other["layers.0.weight_hh"])


def test_default_recurrent_kernels_are_orthogonal_and_the_forget_gate_is_open() -> None:
    net = network("lstm")
    kernel = net.state_dict()["layers.1.weight_hh"].view(4, H, H)
    for gate in kernel:
        torch.testing.assert_close(gate @ gate.T, torch.eye(H), atol=1e-5, rtol=0)
    assert net.state_dict()["layers.0.bias_ih"].view(4, H)[:, 0].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("field", "value"),
    [("units", 0), ("units", 10**12), ("layers", -1), ("embedding", 2.5), ("vocabulary", True), ("cell", "rnn")],
)
def test_config_refuses_what_no_model_can_be(field: str, value: object) -> None:
    good = {"cell": "lstm", "vocabulary": V, "embedding": E, "units": H, "layers": L}
    with pytest.raises(ConfigError, match=field):
        ModelConfig(**(good | {field: value}))  # type: ignore[arg-type]
