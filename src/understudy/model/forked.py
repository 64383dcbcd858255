"""A process that is forked from one that has computed goes on with one thread.

PyTorch's threads (OpenMP's) do not come along into the child, which would wait for them for ever at its first work that
is worth sharing. So from the moment when this module is imported, children compute on one thread; what they compute may
differ from the parent's in the last bits, where sums are made in another order. To ask for more with
`torch.set_num_threads` is to wait for ever again; a process that multiprocessing *spawns* has all threads.
"""

import os

import torch


def _alone() -> None:
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # where processes can be forked at all
    os.register_at_fork(after_in_child=_alone)
