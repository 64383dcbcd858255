"""From gradients to new weights."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from understudy.model.network import Network
from understudy.training.recipe import Recipe

MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimizer:
    """Adam (Kingma and Ba 2014), or AdamW (Loshchilov and Hutter 2017) which decays the matrices alone.

    Epsilon is the paper's ε̂ of section 2, added before the bias of the second moment is corrected, as TensorFlow and
    Keras have it. PyTorch adds it afterwards, so each step passes ε̂ / √(1 - β2^t). That is no detail: a network that
    starts small has gradients of that size.

    With `embedding_moment` "occurrences", the second moment of an embedding's row takes in the squares of the gradients
    of its occurrences in the batch, as Keras 3 does on TensorFlow, and not the square of their sum: rows of frequent
    characters then move further in the first steps.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        self._recipe = recipe
        self._embedding = network.embedding.weight
        self._occurrences = _Occurrences(network) if recipe.embedding_moment == "occurrences" else None
        self._adam = self._fused(network)

    def step(self, rate: float, done: int) -> None:
        """Update all weights at this rate, after `done` updates."""
        epsilon = self._recipe.epsilon / math.sqrt(1 - self._recipe.beta2 ** (done + 1))
        for group in self._adam.param_groups:
            group["lr"], group["eps"] = rate, epsilon
        self._adam.step()
        if self._occurrences is not None:
            self._step_embedding(self._occurrences.squares(), rate, epsilon, done)

    def moments(self, parameter: Tensor) -> dict[str, Tensor]:
        """Both moments of a parameter's gradient, by name; zero before the first step."""
        kept = self._adam.state.get(parameter, {})
        return {
            name: kept[name] if name in kept else torch.zeros_like(parameter, requires_grad=False) for name in MOMENTS
        }

    def restore(self, parameter: Tensor, moments: dict[str, Tensor], done: int) -> None:
        """Put back what `moments` gave after `done` updates."""
        self._adam.state[parameter] = {"step": torch.tensor(float(done), device=parameter.device), **moments}

    def _fused(self, network: Network) -> torch.optim.Optimizer:
        betas = (self._recipe.beta1, self._recipe.beta2)
        embedding: list[Tensor] = [] if self._occurrences is not None else [self._embedding]
        others = [parameter for parameter in network.parameters() if parameter is not self._embedding]
        if self._recipe.optimizer == "adam":
            return torch.optim.Adam([*embedding, *others], betas=betas, fused=True)
        groups: list[dict[str, Any]] = [
            {"params": [p for p in others if p.ndim == 2], "weight_decay": self._recipe.weight_decay},
            {"params": [*embedding, *(p for p in others if p.ndim != 2)], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=betas, fused=True)

    @torch.no_grad()
    def _step_embedding(self, squares: Tensor, rate: float, epsilon: float, done: int) -> None:
        gradient, (beta1, beta2) = self._embedding.grad, (self._recipe.beta1, self._recipe.beta2)
        assert gradient is not None
        moments = self.moments(self._embedding)
        mean, square = moments["exp_avg"], moments["exp_avg_sq"]
        mean.lerp_(gradient, 1 - beta1)
        square.lerp_(squares, 1 - beta2)
        root = (square / (1 - beta2 ** (done + 1))).sqrt_().add_(epsilon)
        self._embedding.addcdiv_(mean, root, value=-rate / (1 - beta1 ** (done + 1)))
        self.restore(self._embedding, moments, done + 1)


class _Occurrences:
    """Watches a network's embedding for the gradient of each of its outputs; so it must not be folded away."""

    def __init__(self, network: Network) -> None:
        network.folds = False
        embedding = network.embedding
        self._shape = embedding.weight.shape
        self._ids: Tensor
        self._gradients: Tensor
        embedding.register_forward_hook(self._watch)

    def _watch(self, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if output.requires_grad:
            self._ids = inputs[0].flatten()
            output.register_hook(self._keep)  # type: ignore[no-untyped-call]

    def _keep(self, gradient: Tensor) -> None:
        self._gradients = gradient.detach()

    def squares(self) -> Tensor:
        """The squared gradients, summed over the occurrences of each id, (V, E)."""
        squares = self._gradients.flatten(0, -2).square()
        return squares.new_zeros(self._shape).index_add_(0, self._ids, squares)
