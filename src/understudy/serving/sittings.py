"""Training as processes of their own, begun for the page: they outlive it, and the server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from understudy import layout
from understudy.errors import StorageError
from understudy.serving.refusals import Refused
from understudy.serving.shelf import LOG, SITTING, last_line, resumable, runs_in, text_of
from understudy.storage import write_whole
from understudy.text.names import short_name

_ENDS = signal.SIGTERM
"""What ends a sitting with its checkpoint written, as Ctrl-C does; a shell's background jobs have that one ignored."""
_WELL = (0, *(sign for number in (_ENDS, signal.SIGINT) for sign in (128 + number, -number)))
"""How a process ends that is done, or was told to end."""
_MOST_NAMES = 10_000


class Sittings:
    """The sittings of the runs in a folder. One thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which need not be there yet."""
        self.folder = folder.absolute()
        self._mine: dict[str, subprocess.Popen[bytes]] = {}
        self._told: set[str] = set()

    def begin(self, name: str, text: str, minutes: float, *, lf: bool) -> str:
        """Begin a run on a text, which is kept beside it; the run's name.

        Args:
            name: the text's; the run's is made of it.
            text: what is to be learned.
            minutes: how long.
            lf: whether every line end becomes a newline.

        Raises:
            Refused: another run is learning, or the disk does not take it.
        """
        self._check_alone()
        run = self._new(short_name(name))
        try:
            write_whole(text_of(run), text.encode())
        except StorageError as error:
            raise Refused(507, str(error)) from error
        flags = ["--newlines", "lf"] if lf else []
        self._start(run, [str(text_of(run)), "--minutes", f"{minutes:g}", *flags])
        return run.name

    def go_on(self, run: Path) -> None:
        """Let a run that was stopped go on.

        Raises:
            Refused: it has nothing to go on from, or a run is learning.
        """
        self._check_alone()
        if not resumable(run):
            raise Refused(409, f"{run.name}: there is no checkpoint to go on from; learn the text again")
        self._start(run, ["--resume"])

    def stop(self, run: Path) -> None:
        """Ask the process of a run to end; it writes a checkpoint first.

        Raises:
            Refused: none is learning there, or one that the page did not begin.
        """
        if self.state(run) not in ("learning", "stopping"):
            raise Refused(409, f"{run.name}: is not learning")
        if run.name in self._told:
            return  # a second signal would end it before its checkpoint
        mine = self._mine.get(run.name)
        if mine is not None and mine.poll() is None:
            mine.send_signal(_ENDS)
        elif not _signalled(run):
            raise Refused(409, f"{run.name}: learns in a process that was started elsewhere; stop it there")
        self._told.add(run.name)

    def state(self, run: Path) -> str:
        """What goes on in a run: `learning`, `stopping` or `resting`; `failed` where the page's sitting ended badly."""
        mine = self._mine.get(run.name)
        if (mine is not None and mine.poll() is None) or _held(run):
            return "stopping" if run.name in self._told else "learning"
        self._told.discard(run.name)
        if mine is not None and mine.returncode not in _WELL:
            return "failed"
        return "resting" if layout.is_run_folder(run) else "failed"

    def trouble(self, run: Path) -> str | None:
        """Why a run's sitting failed, in one line."""
        return last_line(run)

    def _check_alone(self) -> None:
        for run in runs_in(self.folder):
            if self.state(run) in ("learning", "stopping"):
                raise Refused(
                    409,
                    f"{run.name} is learning, and two at a time slow each other down: wait for it, or stop it",
                    code="learning",
                )

    def _new(self, name: str) -> Path:
        """A new folder of that name, or of the next one that is free."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for number in range(1, _MOST_NAMES):
                run = self.folder / (name if number == 1 else f"{name}-{number}")
                with suppress(FileExistsError):
                    run.mkdir()
                    return run
        except OSError as error:
            raise Refused(507, f"the folder of the runs does not take a new one: {error.strerror or error}") from error
        raise Refused(507, "the folder of the runs has no name left for this text")

    def _start(self, run: Path, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "understudy", "train", *arguments, "--out", str(run)]
        try:
            with (run / LOG).open("ab") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
                )
            self._mine[run.name] = process
            record = {"process": process.pid, "born": _born(process.pid)}
            write_whole(run / SITTING, json.dumps(record).encode())
        except OSError as error:
            raise Refused(507, f"training cannot be started: {error.strerror or error}") from error
        except StorageError:
            pass  # after a restart of the server it can be watched, and not be stopped


def _held(run: Path) -> bool:
    """Whether a process holds the run's folder."""
    lock = run / layout.LOCK
    with suppress(OSError):
        if layout.is_plain_file(lock) and lock.stat().st_size == 0:
            try:
                with FileLock(lock, blocking=False):
                    return False
            except Timeout:
                return True
    return False


def _signalled(run: Path) -> bool:
    """Tell the process to end that an earlier server started for a run; False where it is not known any more."""
    record = _record(run)
    number, born = record.get("process"), record.get("born")
    if type(number) is not int or number <= 1 or not isinstance(born, str) or not hasattr(os, "pidfd_open"):
        return False
    try:
        handle = os.pidfd_open(number)
    except OSError:
        return False
    try:
        if _born(number) != born:  # another has its number by now
            return False
        signal.pidfd_send_signal(handle, _ENDS)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _record(run: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        if layout.is_plain_file(run / SITTING):
            with (run / SITTING).open("rb") as file:
                found = json.loads(file.read(4096))
            return found if isinstance(found, dict) else {}
    return {}


def _born(process: int) -> str | None:
    """When a process began, as Linux tells it, with which boot; None elsewhere."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {fields[19]}"
    return None
