"""The output layer and the loss in one, against the two apart."""

from collections.abc import Callable, Iterator

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
@pytest.mark.parametrize("at_once", [1, 8 * V, 15 * V, 1 << 24], ids=["a place", "8", "15", "all places in a product"])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_loss_and_gradients_equal_those_of_the_two_apart(
    in_cache: int, at_once: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_IN_CACHE", in_cache)
    monkeypatch.setattr(output, "_AT_ONCE", at_once)
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


@pytest.mark.parametrize("at_once", [7 * V, 1 << 24], ids=["in blocks", "in one"])
def test_products_in_bfloat16_leave_loss_and_gradients_in_the_parameters_type(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_AT_ONCE", at_once)
    hidden, weight, bias, targets = parts(torch.float32)
    exact = F.cross_entropy(F.linear(hidden, weight, bias), targets)
    loss = cross_entropy(hidden.to(torch.bfloat16), weight, bias, targets, Pool())
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, exact, atol=0.02, rtol=0)
    wanted = torch.autograd.grad(exact, [hidden, weight, bias])
    for mine, theirs in zip(torch.autograd.grad(loss, [hidden, weight, bias]), wanted, strict=True):
        assert mine.dtype == torch.float32
        assert (mine - theirs).norm() < 0.02 * theirs.norm()


def test_a_gradient_is_not_taken_twice() -> None:
    hidden, weight, bias, targets = parts()
    loss = cross_entropy(hidden, weight, bias, targets, Pool())
    torch.autograd.grad(loss, [hidden], retain_graph=True)
    with pytest.raises(RuntimeError, match="only once"):
        torch.autograd.grad(loss, [hidden])


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks_give_the_same_bytes_every_time(threads: int, threads_of: Callable[[int], None]) -> None:
    """With 3,000 symbols, at a size where several threads share the work, and in several blocks."""
    threads_of(threads)
    places, symbols = 6000, 3000
    assert places * symbols > output._AT_ONCE
    generator = torch.Generator().manual_seed(5)
    leaves = [
        torch.randn(*shape, generator=generator).requires_grad_() for shape in ((places, 8), (symbols, 8), (symbols,))
    ]
    targets, pool = torch.randint(symbols, (places,), generator=generator), Pool()

    def taken() -> list[Tensor]:
        loss = cross_entropy(leaves[0], leaves[1], leaves[2], targets, pool)
        return [loss.detach(), *torch.autograd.grad(loss, leaves)]

    first, again = taken(), taken()
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.fixture
def threads_of() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
