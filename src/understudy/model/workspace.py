"""Memory that outlives a step: fresh pages for every step cost more than the arithmetic on them."""

from typing import Self

import torch
from torch import Tensor


class Workspace:
    """Named buffers that grow to the largest shape asked for, and are then used again."""

    def __init__(self) -> None:
        self._flat: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, dtype: torch.dtype, *shape: int) -> Tensor:
        """The buffer of that name, contiguous, with whatever it held before."""
        size = torch.Size(shape).numel()
        flat = self._flat.get((name, dtype))
        if flat is None or flat.numel() < size:
            with torch.inference_mode(False):  # a buffer made while evaluating must serve in training too
                flat = self._flat[name, dtype] = torch.empty(size, dtype=dtype)
        return flat[:size].view(shape)


class Pool:
    """Workspaces that are not in use; each layer of a network in training holds one from forward to backward."""

    def __init__(self) -> None:
        self._free: list[Workspace] = []

    def lease(self) -> "Lease":
        """A workspace of one's own until the lease is given back or forgotten."""
        return Lease(self._free, self._free.pop() if self._free else Workspace())

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        """What a copy, or a process that it is pickled for, gets: a pool of its own."""
        return type(self), ()


class Lease:
    """Holds a workspace; gives it back once, at the latest when nobody knows of the lease any more."""

    def __init__(self, home: list[Workspace], workspace: Workspace) -> None:
        self._home = home
        self._workspace: Workspace | None = workspace

    @property
    def space(self) -> Workspace:
        """The workspace.

        Raises:
            RuntimeError: it was given back: a gradient was asked for twice.
        """
        if self._workspace is None:
            raise RuntimeError("the gradient of a recurrence can be taken only once")
        return self._workspace

    def give_back(self) -> None:
        """Let the workspace go to whoever asks next."""
        if self._workspace is not None:
            self._home.append(self._workspace)
            self._workspace = None

    def __del__(self) -> None:
        self.give_back()
