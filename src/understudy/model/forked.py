"""A process that is forked from one that has computed goes on with one thread.

PyTorch's threads (OpenMP's) do not come along into the child, which would wait for them for ever at its first work that
is worth sharing. So from the moment when this module is imported, children compute on one thread; what they compute may
differ from the parent's in the last bits, where sums are made in another order. To ask for more with
`torch.set_num_threads` is to wait for ever again; a process that multiprocessing *spawns* has all threads.

On a machine with a GPU, PyTorch takes no gradients at all in a child of a process that has taken some, wherever.
"""

import os

import torch

from understudy.errors import ConfigError

_untried = False
"""Whether this process is a forked one that has not yet taken a gradient."""


def check_learning() -> None:
    """Make sure that gradients can be taken here; costs nothing but in a forked process, once.

    Raises:
        ConfigError: PyTorch refuses, because this process was forked from one that has trained beside a GPU.
    """
    global _untried
    if not _untried:
        return
    try:
        torch.ones((), requires_grad=True).mul(2).backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ConfigError(
            "train: this process was forked from one that has trained, and PyTorch takes no gradients in it; start it "
            "with multiprocessing's spawn"
        ) from error
    _untried = False


def _alone() -> None:
    global _untried
    torch.set_num_threads(1)
    _untried = True


if hasattr(os, "register_at_fork"):  # where processes can be forked at all
    os.register_at_fork(after_in_child=_alone)
