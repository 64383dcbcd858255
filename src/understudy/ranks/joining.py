"""Whether this process is one of many, and joining the others."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import torch
import torch.distributed as dist

from understudy.checks import named
from understudy.errors import ConfigError, RanksError
from understudy.ranks.contract import Alone, Ranks
from understudy.ranks.group import Group

_MEETING = timedelta(minutes=10)
"""Hosts of a cluster begin at different times."""
_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class Place(NamedTuple):
    """Which process of how many this one is."""

    rank: int
    of: int


def place() -> Place:
    """Which process this is, by the group that it is in, or by what its launcher says; nothing is joined.

    Raises:
        ConfigError: the launcher's words make no sense.
    """
    if dist.is_available() and dist.is_initialized():
        return Place(dist.get_rank(), dist.get_world_size())
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        return Place(0, 1)
    found = Place(_number("RANK"), _number("WORLD_SIZE"))
    if found.of < 1:
        raise ConfigError(f"WORLD_SIZE={found.of}: expected the number of processes, 1 or more")
    if not 0 <= found.rank < found.of:
        raise ConfigError(f"RANK={found.rank} of WORLD_SIZE={found.of}: expected 0 to {found.of - 1}")
    return found


@contextmanager
def joined() -> Generator[Ranks]:
    """The ranks of this process's run: all that its launcher started, or the group that it is in, or itself alone.

    Raises:
        ConfigError: the launcher's words make no sense, or leave out where the others are.
        RanksError: the others could not be met.
    """
    if place().of == 1:
        yield Alone()
        return
    ranks = _group()
    try:
        yield ranks
    except BaseException:
        ranks.close(whole=False)
        raise
    ranks.close(whole=True)


def _group() -> Group:
    if not dist.is_available():
        raise ConfigError("WORLD_SIZE: this PyTorch was built without torch.distributed; install another")
    if dist.is_initialized():
        return Group(owned=False)
    missing = [name for name in _NEEDED if name not in os.environ]
    if missing:
        raise ConfigError(
            f"WORLD_SIZE={os.environ['WORLD_SIZE']} says that this is one of many processes, but {', '.join(missing)} "
            f"is not set: start them with torchrun, or unset WORLD_SIZE and RANK to train alone"
        )
    _number("MASTER_PORT")
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(_number("LOCAL_RANK") if "LOCAL_RANK" in os.environ else 0)
    try:
        dist.init_process_group("cuda:nccl,cpu:gloo" if gpu else "gloo", timeout=_MEETING)
        return Group(owned=True)
    except (RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RanksError(
            f"process {place().rank} of {place().of}: the others were not met at {named(where)}; see that the "
            f"address holds on every host, and that GLOO_SOCKET_IFNAME names the network between them ({said[:200]})"
        ) from error


def _number(name: str) -> int:
    try:
        return int(os.environ[name])
    except ValueError as error:
        raise ConfigError(f"{name}={named(os.environ[name])}: expected a whole number, as torchrun sets it") from error
