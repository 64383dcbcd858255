"""The kinds of run that the campaign disturbs, what each is when nobody does, and how they are compared."""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.processes.starting import Launcher, Sitting
from tests.runs.conftest import some_text
from tests.runs.helpers import command
from tests.runs.test_resume import assert_as_undisturbed, past
from understudy.model import file
from understudy.runs import checkpoint
from understudy.runs.checkpoint import Checkpoint

OLD_SEED = 77
SHORT = ("--steps", 40, "--evaluate-every", 16)  # a little more than an epoch
RESUME = ("train", "--out", "run", "--resume")
PARTS = ("run", "run/held-back")


@dataclass(frozen=True)
class Kind:
    """A kind of run.

    Attributes:
        recipe: its flags.
        begins: what lies in the folder before: "nothing", an "old run", or one that was "interrupted".
        threads: on how many it computes.
        piped: whether the text comes on standard input.
    """

    recipe: tuple[object, ...]
    begins: str = "nothing"
    threads: int = 1
    piped: bool = False


WHOLE = ("--use-all-text", "--validation", 0.1)
NGRAMS = ("--cell", "lstm", "--optimizer", "muon", "--average", 0.9, "--ngrams", 101)
KINDS: dict[str, Kind] = {
    "lstm in lanes": Kind(("--cell", "lstm")),
    "lstm in lanes, two layers, dropout, some lanes afresh": Kind(("--layers", 2, "--dropout", 0.2, "--fresh", 0.3)),
    "gru in chunks, no validation": Kind(("--cell", "gru", "--batches", "chunks", "--validation", 0)),
    "bfloat16, two layers in chunks": Kind(("--layers", 2, "--batches", "chunks", "--precision", "bfloat16")),
    "resumed": Kind(("--cell", "gru", "--dropout", 0.1), begins="interrupted"),
    "from a model": Kind(("--from", "model")),
    "whole text": Kind(WHOLE),
    "whole text, from a model": Kind((*WHOLE, "--from", "model")),
    "whole text, standard input": Kind(WHOLE, piped=True),
    "n-grams, Muon, mean of the weights": Kind(NGRAMS),
    "two threads": Kind(("--cell", "gru", "--units", 96, "--ngrams", 1009), threads=2),
    "in place of an old run": Kind(("--seed", 3), begins="old run"),
    "whole text in place of an old run": Kind((*WHOLE, "--seed", 3), begins="old run"),
}


class Undisturbed(NamedTuple):
    """A run that nobody disturbed: its folder, and what it took."""

    folder: Path
    seconds: float


class Place:
    """Where runs of all kinds begin: a text, a model to start from, runs to begin from; each made when it is needed."""

    def __init__(self, launcher: Launcher, folder: Path) -> None:
        self.launcher, self._folder = launcher, folder
        self.text = folder / "text.txt"
        self.text.write_text(some_text(10_000), encoding="utf-8")
        self._done: dict[tuple[object, ...], Undisturbed] = {}

    def arguments(self, name: str, *more: object) -> list[object]:
        """The command line that begins a run of that kind in `run`."""
        kind = KINDS[name]
        recipe = [self._model() if flag == "model" else flag for flag in kind.recipe]
        return command("-" if kind.piped else self.text, *SHORT, *recipe, *more)  # type: ignore[arg-type]

    def start(self, name: str, folder: Path, *more: object, **faults: Any) -> Sitting:
        """Begin it, or with `--resume` go on with it."""
        return self.start_as(name, folder, self.arguments(name, *more), **faults)

    def start_as(self, name: str, folder: Path, arguments: Sequence[object], **faults: Any) -> Sitting:
        """Run a command line as one of that kind is run."""
        kind = KINDS[name]
        stdin = str(self.text) if kind.piped else os.devnull
        return self.launcher.start(folder, *arguments, stdin=stdin, threads=kind.threads, **faults)

    def lay(self, name: str, folder: Path) -> Path:
        """Make a folder with what such a run begins from."""
        folder.mkdir(parents=True)
        begins = KINDS[name].begins
        if begins == "old run":
            shutil.copytree(self._old(), folder / "run")
        elif begins == "interrupted":
            shutil.copytree(self._interrupted(name), folder / "run")
        return folder

    def undisturbed(self, name: str, *more: object) -> Undisturbed:
        """Such a run when nobody disturbs it."""
        key = (name, *more)
        if key not in self._done:
            seconds = []
            for attempt in ("first", "second"):  # others use the machine too
                folder = self._folder / f"undisturbed {len(self._done)}, {attempt}"
                folder.mkdir()
                began = time.perf_counter()
                sitting = self.start(name, folder, *more)
                assert sitting.wait() == 0, sitting.said
                seconds.append(time.perf_counter() - began)
            self._done[key] = Undisturbed(folder, min(seconds))
        return self._done[key]

    def old_files(self) -> dict[str, bytes]:
        """The files of the old run that others take the place of."""
        return files_of(self._old())

    def _old(self) -> Path:
        return self._once("old", "--cell", "gru", "--seed", OLD_SEED)

    def _model(self) -> Path:
        return self._once("model", "--seed", 5)

    def _once(self, name: str, *recipe: object) -> Path:
        folder = self._folder / name
        if not folder.exists():
            folder.mkdir()
            sitting = self.launcher.start(folder, *command(self.text, *recipe, steps=50))
            assert sitting.wait() == 0, sitting.said
        return folder / "run"

    def _interrupted(self, name: str) -> Path:
        """A run of that kind that was told to end when it had some checkpoints."""
        folder, status = self._folder / "interrupted", 143 if (self._folder / "interrupted").exists() else 0
        while status == 0:  # until the signal comes before its end
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            sitting = self.start(name, folder)
            Launcher.until(lambda: past(folder / "run", 10))
            sitting.send(signal.SIGTERM)
            status = sitting.wait()
            assert status in (0, 143), sitting.said
        return folder / "run"


def files_of(run: Path) -> dict[str, bytes]:
    """A run's files by name, without unfinished ones and the lock."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.suffix != ".partial" and path.name != ".lock"
    }


def assert_ended_as_undisturbed(folder: Path, undisturbed: Path) -> None:
    """Hold both parts of a run against those of one that nobody disturbed."""
    for part in PARTS:
        assert (folder / part).exists() == (undisturbed / part).exists()
        if (folder / part).exists():
            assert_as_undisturbed(folder / part, undisturbed / part)
    assert list(folder.rglob("begun.safetensors")) == []


def standing(folder: Path) -> dict[str, Checkpoint]:
    """The newest checkpoint of each part of a run; everything that is there is whole."""
    found = {}
    for part in PARTS:
        newest, passed_over = checkpoint.load_latest(folder / part / "checkpoint")
        assert passed_over == []
        if newest is not None:
            found[part] = newest
        if (folder / part / "model.safetensors").exists():
            file.read(folder / part)
    return found


def assert_nothing_lost(before: dict[str, Checkpoint], after: dict[str, Checkpoint]) -> None:
    """Hold where a run stands after a disturbance against where it stood before."""
    for part, earlier in before.items():
        assert part in after
        assert after[part].progress.step >= earlier.progress.step


def replaced(place: Place, folder: Path) -> bool:
    """Whether the run that takes an old one's place has begun; if not, the old one is whole."""
    found = standing(folder)
    if any(newest.facts.recipe.seed != OLD_SEED for newest in found.values()):
        return True
    files, old = files_of(folder / "run"), place.old_files()
    assert {name: files.get(name) for name in old} == old
    return False
