import pytest
import torch

from understudy.training import muon


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (16, 16)])
def test_singular_values_come_towards_one_and_vectors_stay(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    left, right = (torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))[0] for n in shape)
    values = torch.linspace(0.05, 1, min(shape), dtype=torch.float64)
    matrix = 7 * left[:, : min(shape)] @ torch.diag(values) @ right[:, : min(shape)].t()
    turned = left.t() @ muon.orthogonalized(matrix, torch.float64, iterations=5) @ right
    found = turned.diagonal()
    assert (turned - torch.zeros(shape, dtype=torch.float64).diagonal_scatter(found)).abs().max() < 1e-9
    assert 0.6 < found.min() < found.max() < 1.3


def test_a_step_goes_against_the_gradient_by_as_much_whatever_its_size() -> None:
    torch.manual_seed(0)
    gradient, moved = torch.randn(64, 16), []
    for scale in (1e-6, 1.0, 1e6):
        weight, momentum = torch.zeros(64, 16), torch.zeros(64, 16)
        muon.step(weight, scale * gradient, momentum, 0.1, 0.95, 0.0, torch.float32)
        assert (weight * gradient).sum() < 0
        moved.append(weight.square().mean().sqrt().item())
    assert moved == pytest.approx([moved[1]] * 3, rel=1e-3)
    assert 0.5 * 0.1 * 0.2 < moved[1] < 1.5 * 0.1 * 0.2


def test_decay_shrinks_by_the_rate_times_the_decay() -> None:
    weight, zero = torch.ones(4, 4), torch.zeros(4, 4)
    muon.step(weight, zero, zero.clone(), 0.1, 0.95, 0.5, torch.float32)
    torch.testing.assert_close(weight, torch.full((4, 4), 0.95))


def test_the_momentum_is_how_much_of_the_gradients_before_is_in_a_step() -> None:
    """Of two gradients with nothing in common, by Nesterov's look ahead: 1 + m of the last and m² of the first."""
    first, last = torch.zeros(4, 4), torch.zeros(4, 4)
    first[0, 0], last[1, 1] = 1, 1
    for momentum in (0.0, 0.5, 0.9):
        weight, mean = torch.zeros(4, 4), torch.zeros(4, 4)
        muon.step(weight, first, mean, 1e-30, momentum, 0.0, torch.float32)
        muon.step(weight, last, mean, 0.1, momentum, 0.0, torch.float32)
        torch.testing.assert_close(mean, momentum * first + last)
        ahead = muon.orthogonalized((1 + momentum) * last + momentum**2 * first, torch.float32)
        torch.testing.assert_close(weight, -0.1 * 0.2 * 2 * ahead, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("size", [1, 511, 512, 517, 769])
def test_half_of_a_symmetric_product_and_its_mirror_are_the_product(size: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2 * size, size, dtype=torch.float64) / size
    gram = x.t() @ x
    torch.testing.assert_close(muon.symmetric(x.t(), x), gram, rtol=1e-12, atol=1e-15)
    found = muon.symmetric(gram, gram, 2.0, gram, -3.0)
    torch.testing.assert_close(found, 2 * gram @ gram - 3 * gram, rtol=1e-12, atol=1e-15)
    single = muon.symmetric(x.float().t(), x.float()).double()
    assert (single - gram).abs().max() < 1e-6 * gram.abs().max()
