"""The output layer and the loss in one, against the two apart."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.model import output
from understudy.model.output import cross_entropy
from understudy.model.workspace import Pool

N, H, V = 30, 6, 11


def parts(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    hidden, weight, bias = (
        torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((N, H), (V, H), (V,))
    )
    leaves = [part.to(dtype).requires_grad_() for part in (hidden, weight, bias)]
    return leaves[0], leaves[1], leaves[2], torch.randint(V, (N,), generator=generator)


@pytest.mark.parametrize("in_cache", [1, 7 * V, 1 << 18], ids=["a place", "some places", "all places at a time"])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_loss_and_gradients_equal_those_of_the_two_apart(
    in_cache: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_IN_CACHE", in_cache)
    hidden, weight, bias, targets = parts()
    expected = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    wanted = torch.autograd.grad(scale * expected, [hidden, weight, bias])
    loss = cross_entropy(hidden, weight, bias, targets, Pool())
    got = torch.autograd.grad(scale * loss, [hidden, weight, bias])
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(got, wanted)


def test_large_logits_do_not_overflow() -> None:
    hidden, weight, bias, targets = parts(torch.float32)
    with torch.no_grad():
        weight.mul_(1e4)
    loss = cross_entropy(hidden, weight, bias, targets, Pool())
    torch.testing.assert_close(loss, F.cross_entropy(F.linear(hidden, weight, bias), targets))
    assert all(torch.isfinite(part).all() for part in torch.autograd.grad(loss, [hidden, weight, bias]))


def test_products_in_bfloat16_leave_loss_and_gradients_in_the_parameters_type() -> None:
    hidden, weight, bias, targets = parts(torch.float32)
    exact = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    loss = cross_entropy(hidden.to(torch.bfloat16), weight, bias, targets, Pool())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, exact, atol=0.02, rtol=0)
    wanted = torch.autograd.grad(exact, [hidden, weight, bias])
    for mine, theirs in zip(torch.autograd.grad(loss, [hidden, weight, bias]), wanted, strict=True):
        assert mine.dtype == torch.float32
        assert (mine - theirs).norm() < 0.02 * theirs.norm()
