"""Dynamic evaluation: the model goes on learning from the text that it has already been scored on."""

import copy

import numpy as np
import torch

from understudy.evaluation.protocols import Score, predicted_in
from understudy.model.config import NGRAM_TABLE
from understudy.model.network import Network, detached
from understudy.text.encoded import Ids

SEGMENT = 32
RATE = 1e-4
RETURN = 1e-3
MEMORY = 0.999
_EPSILON = 1e-8


def dynamic(network: Network, ids: Ids, *, rate: float = RATE, back: float = RETURN, segment: int = SEGMENT) -> Score:
    """Score the text in one stream, a segment at a time, and take a step down the segment's gradient after it.

    Each character is predicted before anything is learned from it. After each segment, with its gradient g,

        θ ← θ − rate · g / √v + back · (θ₀ − θ)

    where v is the running mean of g² and θ₀ the weights as they were trained (the rule of
    Krause et al. 2017, arXiv:1709.07432, with v taken from the text itself as it goes). The network that is given is
    left as it is.

    Args:
        network: the model.
        ids: the text.
        rate: how far a step goes.
        back: the share of the way back to the trained weights that each step takes.
        segment: T, characters between two steps.

    Raises:
        TextError: the text has fewer than two characters.
    """
    predicted = predicted_in(ids)
    learner = copy.deepcopy(network)
    parameters = [parameter for name, parameter in learner.named_parameters() if name != NGRAM_TABLE]
    trained = [parameter.detach().clone() for parameter in parameters]
    squares = [torch.zeros_like(parameter, requires_grad=False) for parameter in parameters]
    state, total = learner.zero_state(1), 0.0
    device = learner.output.weight.device
    for step, begin in enumerate(range(0, predicted, segment), 1):
        taken = min(segment, predicted - begin)
        block = torch.from_numpy(ids.gather(np.array([begin], np.int64), taken + 1)).to(device)
        loss, after = learner.loss(block[:-1], block[1:], state)
        total += float(loss.detach().double()) * taken
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state = detached(after)
        with torch.no_grad():
            unbiased = (1 - MEMORY**step) ** 0.5
            for parameter, square, origin in zip(parameters, squares, trained, strict=True):
                gradient = parameter.grad
                assert gradient is not None
                square.lerp_(gradient.square(), 1 - MEMORY)
                parameter.lerp_(origin, back).addcdiv_(gradient, square.sqrt().add_(_EPSILON), value=-rate * unbiased)
    return Score(total / predicted, predicted, "streamed", streams=1)
