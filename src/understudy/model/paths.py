"""Which of several ways to compute is taken on a CPU: the best that is here, or the one that the user names."""

import os
from collections.abc import Mapping, Sequence

from understudy import checks

CHOICE = "UNDERSTUDY_KERNELS"
"""The variable of the environment that says which path is to be taken, in learning and in writing."""


def chosen(here: Sequence[str], same: Mapping[str, str]) -> str:
    """The path to take of those that are here, the best first.

    Args:
        here: their names.
        same: what the other of learning and writing calls some of them.

    Raises:
        ConfigError: the user names none of them.
    """
    asked = os.environ.get(CHOICE)
    return here[0] if not asked else checks.one_of(CHOICE, same.get(asked, asked), here)
