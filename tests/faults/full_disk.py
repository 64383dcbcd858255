"""A disk that refuses from the n-th write on: what Python itself asks of the system raises, before it is done."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Disk:
    """Counts what takes room: making files and folders, writing, syncing, renaming.

    Attributes:
        refused: what was refused, as the kinds of calls.
    """

    def __init__(self, first: int, *, stays: bool) -> None:
        """Refuse the `first` such call, and where it `stays` so, all after it."""
        self._first, self._stays = first, stays
        self._calls = 0
        self.refused: list[str] = []
        self._real: list[tuple[Any, str, Any]] = []
        disk = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                disk._ask("write")
                return super().write(data)

        real_open: Any = io.open

        def opened(
            file: Any, mode: str = "r", buffering: int = -1, *more: Any, opener: Any = None, **named: Any
        ) -> Any:
            if not set(mode) & set("wxa+") or "b" not in mode:
                return real_open(file, mode, buffering, *more, opener=opener, **named)
            if not isinstance(file, int) and opener is None:
                disk._ask("open")
            raw = Raw(file, mode.replace("b", ""), closefd=named.get("closefd", True), opener=opener)
            if not buffering:
                return raw
            return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

        for holder in (io, builtins):
            self._put(holder, "open", opened)
        self._put(os, "open", self._if_it_writes(os.open))
        for name in ("fsync", "mkdir", "replace", "rename"):
            self._put(os, name, self._always(name, getattr(os, name)))

    def mend(self) -> None:
        """There is room again."""
        for holder, name, real in self._real:
            setattr(holder, name, real)

    def _put(self, holder: Any, name: str, changed: Any) -> None:
        self._real.append((holder, name, getattr(holder, name)))
        setattr(holder, name, changed)

    def _always(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._ask(name)
            return real(*arguments, **named)

        return call

    def _if_it_writes(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
            if flags & _WRITES:
                self._ask("open")
            return real(path, flags, *arguments, **named)

        return call

    def _ask(self, name: str) -> None:
        self._calls += 1
        if self._calls == self._first or (self._stays and self._calls > self._first):
            self.refused.append(name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
