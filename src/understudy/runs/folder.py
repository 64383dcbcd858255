"""The run folder: held by one process at a time, and gone again where no run began in it."""

from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from understudy.errors import ConfigError, StorageError
from understudy.layout import (
    BEGUN,
    CHECKPOINTS,
    HELD_BACK,
    LOCK,
    MODEL,
    REPORT,
    is_checkpoint_name,
    is_plain_file,
    is_run_folder,
)
from understudy.runs import ownership
from understudy.runs.growing import not_made_here
from understudy.runs.ownership import GROWING
from understudy.storage import remove_partials

RUNS = Path("runs")


class RunFolder:
    """`runs/NAME/`, or the folder in it of the first of two runs.

    Attributes:
        whole: the run folder as the user knows it.
        path: where this run's files are: the same, or a part of it.
        model: the model file.
        report: the page on the run.
        checkpoints: the folder of the checkpoints.
        held: whether this process holds it.
        patience: seconds to wait for another process that holds it.
    """

    def __init__(self, whole: Path, part: str | None = None, patience: float = 0.0) -> None:
        self.part, self.held, self.patience = part, False, patience
        self._found: set[tuple[str, int, int]] | None = None
        self._held = ExitStack()
        self._made: list[Path] = []
        self.stands_for(whole)

    def stands_for(self, whole: Path) -> None:
        """Be that folder, as the user knows it."""
        self.whole, self.path = whole, whole / self.part if self.part else whole
        self.model, self.report = self.path / MODEL, self.path / REPORT
        self.checkpoints = self.path / CHECKPOINTS

    def holds_checkpoint(self) -> bool:
        """Whether there is a training state to go on from."""
        return bool(ownership.checkpoints_in(self.path))

    def hold(self) -> None:
        """Make the folder where there is none, and hold it until it is closed.

        Raises:
            StorageError: it cannot be made.
            ConfigError: another process holds it, or something else has its name or that of its lock.
        """
        try:
            first = self.whole / HELD_BACK
            for folder in dict.fromkeys((self.whole, self.path, *([first] if is_run_folder(first) else []))):
                self._make(folder)
                if ownership.foreign_lock(folder):
                    raise not_made_here(folder / LOCK)
                lock = FileLock(folder / LOCK)
                lock.acquire(timeout=self.patience)
                self._held.callback(lock.release)
            self._make(self.checkpoints)
        except Timeout as error:
            raise self._taken() from error
        except (FileExistsError, NotADirectoryError) as error:
            raise ConfigError(f"--out {self.whole}: a file is in the way; name a folder for the run") from error
        except OSError as error:
            raise _refused(self.whole, error) from error
        self.held = True
        remove_partials(self.path, lambda name: name in (MODEL, REPORT) or name in GROWING)
        remove_partials(self.checkpoints, is_checkpoint_name)

    def check_not_taken(self) -> None:
        """Make sure that no other process holds the folder; nothing is made.

        Raises:
            ConfigError: one does.
        """
        for folder in dict.fromkeys((self.whole, self.path)):
            if is_plain_file(folder / LOCK) and not ownership.foreign_lock(folder):
                try:
                    with FileLock(folder / LOCK, blocking=False):
                        pass
                except Timeout as error:
                    raise self._taken() from error
                except OSError:  # whoever is to hold it says so
                    pass

    def _taken(self) -> ConfigError:
        return ConfigError(
            f"{self.whole}: another process is training in this folder; wait for it, or choose another --out"
        )

    def hold_free(self, name: str) -> None:
        """Hold a new folder under `runs/`: NAME, or NAME-2, NAME-3, ...; whichever is not there yet.

        It is made at the moment when it is chosen, so that runs that begin at one time get a folder each.

        Raises:
            StorageError: it cannot be made.
            ConfigError: `runs` is a file.
        """
        number = 1
        while True:
            whole = RUNS / (name if number == 1 else f"{name}-{number}")
            try:
                self._make(RUNS)
                whole.mkdir()
            except OSError as error:
                if not RUNS.is_dir():
                    raise ConfigError(f"{RUNS}: a file is in the way; name a folder for the run with --out") from error
                if not isinstance(error, FileExistsError):
                    raise _refused(whole, error) from error
                number += 1
                continue
            self._made.append(whole)
            self.stands_for(whole)
            self.hold()
            return

    def replace_run(self, *, second: bool) -> None:
        """Let the run that this one replaces go; see `ownership.replace_run`.

        Raises:
            StorageError: the disk refused.
        """
        try:
            ownership.replace_run(self.whole, self.part, second=second)
        except OSError as error:
            raise StorageError(f"cannot remove the old run in {self.whole}: {error.strerror or error}") from error

    def about_to_begin(self) -> None:
        """Take note of the checkpoints that are there before the first of a new run."""
        self._found = _identities(self.path)

    @property
    def begins(self) -> bool:
        """Whether a run has begun here in this sitting: its first checkpoint is whole, whatever else is done."""
        return self._found is not None and not _identities(self.path) <= self._found

    @property
    def begun(self) -> Path:
        """The first checkpoint of a run that is taking the place of another."""
        return self.checkpoints / BEGUN

    def close(self) -> None:
        """Let the folder go; one that was made for a run that never began goes itself."""
        if self._made and not self.holds_checkpoint():
            self._unmake()
        self._held.close()
        self.held = False

    def _make(self, folder: Path) -> None:
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        self._made += reversed(missing)

    def _unmake(self) -> None:
        for folder in reversed(self._made):
            with suppress(OSError):  # something else has come to lie there
                if is_plain_file(folder / LOCK):
                    (folder / LOCK).unlink()
                folder.rmdir()


def _refused(whole: Path, error: OSError) -> StorageError:
    where = f"{error.filename}: " if error.filename not in (None, str(whole)) else ""
    return StorageError(
        f"cannot keep a run in {whole}: {where}{error.strerror or error}; choose another --out, or let this one be "
        f"written to"
    )


def _identities(folder: Path) -> set[tuple[str, int, int]]:
    """What tells the checkpoints of the run in a folder from others of the same names."""
    found = set()
    for path in ownership.checkpoints_in(folder):
        with suppress(OSError):  # gone since
            status = path.lstat()
            found.add((path.name, status.st_ino, status.st_mtime_ns))
    return found
