"""From gradients to new weights."""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from understudy.model.config import NGRAM_CODES, NGRAM_TABLE
from understudy.model.network import Network
from understudy.ranks.contract import Shared
from understudy.training import muon
from understudy.training.recipe import Recipe

AVERAGE = "average"
SQUARES = "row_squares"
_NGRAM_RATE = 2.5
"""The rate of the table of n-grams, as a multiple of the others'."""
_ENDLESS = 1e9
"""So many steps done leave no bias to correct."""


def moment_names(recipe: Recipe, parameter: str) -> tuple[str, ...]:
    """What is remembered of the parameter of that name: its gradient's moments, and its own mean."""
    if parameter in (NGRAM_TABLE, NGRAM_CODES):
        return (SQUARES,) if parameter == NGRAM_TABLE else ()
    moments = ("exp_avg",) if is_muons(recipe, parameter) else ("exp_avg", "exp_avg_sq")
    return (*moments, AVERAGE) if recipe.average else moments


def moment_shape(moment: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what is remembered under that name of a parameter of that shape."""
    return shape[:1] if moment == SQUARES else shape


def is_muons(recipe: Recipe, parameter: str) -> bool:
    """Whether Muon takes care of the parameter of that name: a layer's matrix."""
    return recipe.optimizer == "muon" and parameter.startswith("layers.") and "weight" in parameter


class Numbers(NamedTuple):
    """What differs from update to update, each a tensor () in float32.

    Attributes:
        rate: the learning rate.
        corrected: the same with both of Adam's biases corrected (Kingma and Ba 2014, end of section 2).
        share: of the new weights in their running mean.
    """

    rate: Tensor
    corrected: Tensor
    share: Tensor

    @classmethod
    def of(cls, recipe: Recipe, rate: float, done: int) -> Self:
        """For the update at this rate after `done` ones, on the CPU."""
        corrected = rate * math.sqrt(1 - recipe.beta2 ** (done + 1)) / (1 - recipe.beta1 ** (done + 1))
        share = 1 - min(recipe.average, done / (done + 1))  # the mean of all weights so far, until there are enough
        return cls(*torch.tensor([rate, corrected, share]).unbind())


class Optimizer:
    """Adam (Kingma and Ba 2014), AdamW (Loshchilov and Hutter 2017), which decays the matrices alone, or Muon.

    With Muon, the layers' matrices take Muon's steps, and all else AdamW's. The rows of a table of n-grams take steps
    only where a batch has them (`NGrams.learn`), without clipping, decay or a running mean.

    Epsilon is the paper's ε̂ of section 2, added before the bias of the second moment is corrected, as TensorFlow and
    Keras have it. PyTorch adds it afterwards; so its kernel is told that nothing is left to correct, and gets the rate
    with the corrections in it. That is no detail: a network that starts small has gradients of that size.

    All that changes from step to step comes as `Numbers`, so that a step can be recorded on a GPU and played again.

    With `embedding_moment` "occurrences", the second moment of an embedding's row takes in the squares of the gradients
    of its occurrences in the batch, as Keras 3 does on TensorFlow, and not the square of their sum: rows of frequent
    characters then move further in the first steps.
    """

    def __init__(self, network: Network, recipe: Recipe, near: Shared | None = None) -> None:
        self._recipe, self._near = recipe, near
        self._ngrams = network.ngrams
        self._embedding = network.embedding.weight
        self._occurrences = _Occurrences(network) if recipe.embedding_moment == "occurrences" else None
        self._moments: dict[Tensor, dict[str, Tensor]] = {}
        self._names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
        self._matrices: list[Tensor] = []
        decayed: list[Tensor] = []
        rest: list[Tensor] = []
        for parameter, name in self._names.items():
            embedding = parameter is self._embedding
            if name == NGRAM_TABLE:
                continue
            if is_muons(recipe, name):
                self._matrices.append(parameter)
            elif recipe.optimizer != "adam" and parameter.ndim == 2 and not embedding:
                decayed.append(parameter)
            elif not (embedding and self._occurrences is not None):
                rest.append(parameter)
        self._groups = [group for group in ((decayed, recipe.weight_decay), (rest, 0.0)) if group[0]]
        self._corrected = torch.tensor(_ENDLESS, device=self._embedding.device)

    @torch.no_grad()
    def step(self, numbers: Numbers, sums: list[Tensor]) -> None:
        """Update all weights; `sums` are those of the whole batch."""
        recipe = self._recipe
        for parameters, decay in self._groups:
            if decay:
                torch._foreach_mul_(parameters, 1 - numbers.rate * decay)
            moments = [self.moments(parameter) for parameter in parameters]
            # The kernel itself: torch.optim, on its way to it, imports torch's compiler, which takes over a second.
            torch._fused_adamw_(
                parameters,
                [parameter.grad for parameter in parameters if parameter.grad is not None],
                [kept["exp_avg"] for kept in moments],
                [kept["exp_avg_sq"] for kept in moments],
                [],
                [self._corrected] * len(parameters),
                lr=numbers.corrected,
                beta1=recipe.beta1,
                beta2=recipe.beta2,
                weight_decay=0.0,
                eps=recipe.epsilon,
                amsgrad=False,
                maximize=False,
            )
        for parameter in self._matrices:
            assert parameter.grad is not None
            mean, products = self.moments(parameter)["exp_avg"], getattr(torch, recipe.precision)
            settings = (numbers.rate, recipe.momentum, recipe.weight_decay)
            muon.step(parameter, parameter.grad, mean, *settings, products, self._near)
        for squares in sums:
            self._step_embedding(squares, numbers.corrected)
        if self._ngrams is not None:
            self._ngrams.learn(self.moments(self._ngrams.weight)[SQUARES], _NGRAM_RATE * numbers.rate)
        if recipe.average:
            for mean, parameter in zip(self.averages(), self._names, strict=True):
                if mean is not parameter:
                    mean.lerp_(parameter, numbers.share)

    def sums(self) -> list[Tensor]:
        """What a batch gives besides its gradients, each a sum over its places: the embedding's squares, if any."""
        return [] if self._occurrences is None else [self._occurrences.squares()]

    def averages(self) -> list[Tensor]:
        """The running means of the parameters, in their order; after the first step. A table's is the table itself."""
        return [self.moments(parameter).get(AVERAGE, parameter) for parameter in self._names]

    def moments(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is remembered of a parameter, by name; zero before the first step."""
        if parameter not in self._moments:
            names = moment_names(self._recipe, self._names[parameter])
            self._moments[parameter] = {
                name: parameter.new_zeros(moment_shape(name, parameter.shape)) for name in names
            }
        return self._moments[parameter]

    def restore(self, parameter: Tensor, moments: dict[str, Tensor]) -> None:
        """Put back what `moments` gave."""
        for name, kept in self.moments(parameter).items():
            kept.copy_(moments[name])

    def _step_embedding(self, squares: Tensor, rate: Tensor) -> None:
        gradient, (beta1, beta2) = self._embedding.grad, (self._recipe.beta1, self._recipe.beta2)
        assert gradient is not None
        moments = self.moments(self._embedding)
        mean, square = moments["exp_avg"], moments["exp_avg_sq"]
        mean.lerp_(gradient, 1 - beta1)
        square.lerp_(squares, 1 - beta2)
        self._embedding.sub_((mean / square.sqrt().add_(self._recipe.epsilon)).mul_(rate))


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
