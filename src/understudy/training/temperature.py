"""How sure a model should be: the softmax temperature that suits held-back text."""

import torch

from understudy.evaluation.protocols import streamed_passes
from understudy.model.network import Network
from understudy.text.encoded import Ids

SHORT = 20_000
"""A longer held-back text belongs to one that is not learned by heart: its temperature is 1 within a few hundredths."""
_ROUNDS = 2
_DOUBT = 100.0
"""The sharpness is believed to be 1 ± 0.1 before anything is seen, so that some dozen characters change little."""
_BLUNTEST, _SHARPEST = 0.5, 2.0


@torch.inference_mode()
def fitted(network: Network, ids: Ids) -> float:
    """The temperature T for which the softmax of logits / T gives the text its least streamed loss.

    A text that is read a dozen times is half known by heart, and the model takes what it knows for certain. One number,
    fitted to text that it has not learned, makes up for it (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    The loss is convex in the sharpness 1/T: two of Newton's steps, each with a pass over the text.

    Raises:
        TextError: the text has fewer than two characters.
    """
    sharpness = 1.0
    for _ in range(_ROUNDS):
        slope, curvature = _DOUBT * (sharpness - 1), _DOUBT
        for logits, targets in streamed_passes(network, ids):
            shares = (sharpness * logits).softmax(-1)
            mean = (shares * logits).sum(-1)
            slope += float((mean - logits.gather(-1, targets[:, None])[:, 0]).double().sum())
            curvature += float(((shares * logits.square()).sum(-1) - mean.square()).double().sum())
        sharpness = min(_SHARPEST, max(_BLUNTEST, sharpness - slope / curvature))
    return 1 / sharpness


@torch.no_grad()
def put_in(network: Network, temperature: float) -> None:
    """Divide a network's logits by a temperature, in the output layer itself."""
    for parameter in network.output.parameters():
        parameter.div_(temperature)
