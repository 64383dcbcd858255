"""The runs in a folder, as a page tells of them. Nothing of a training process is loaded for that, and nothing held."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from understudy import layout
from understudy.checks import shown
from understudy.model.container import told
from understudy.serving.refusals import Refused

LOG, SITTING = "studio.log", "studio.json"
"""What a run that the page began has beside a run's own files: what it printed, and which process it is."""
_PIECE, _SAMPLES, _LAST = 1 << 20, 1 << 18, 12
_ERROR = "understudy: error: "
_SAMPLE = re.compile(r"^--- step (\d+) ---\n(.*?)\n\n(?=--- step \d+ ---\n|\Z)", re.DOTALL | re.MULTILINE)


class Journal(NamedTuple):
    """Some of a run's metrics.

    Attributes:
        lines: the objects that came.
        since: where the next ones begin.
        mark: names the file; a run that goes on from an earlier step begins another one.
        more: whether there are more of them by now.
    """

    lines: list[dict[str, Any]]
    since: int
    mark: str
    more: bool


def runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, and what was to become one there; links are passed over."""
    with suppress(OSError):
        inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
        return [path for path in inside if layout.is_run_folder(path) or layout.is_plain_file(path / LOG)]
    return []


def run_named(folder: Path, name: str) -> Path:
    """The run of that name, found among those that are there: a request names no place on the disk.

    Raises:
        Refused: there is none.
    """
    for path in runs_in(folder):
        if path.name == name:
            return path
    raise Refused(404, f"no run {shown(name)} in the folder of the runs", param="name", code="run_not_found")


def text_of(run: Path) -> Path:
    """Where the text lies that a run of the page learns from."""
    return run / f"{run.name}.txt"


def resumable(run: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return _checkpoint(run) is not None


def card(run: Path) -> dict[str, Any]:
    """What a run's files tell of it; what they do not is None."""
    state = _checkpoint(run) or {}
    training = _part(told(run / layout.MODEL) or {}, "training")
    texts, corpus = _part(state, "texts"), _part(training, "corpus")
    progress, schedule = _part(state, "progress"), _part(state, "schedule")
    config, recipe = _part(state, "config"), _part(state, "recipe") or _part(training, "recipe")
    step = _number(progress.get("step", training.get("steps")))
    steps = _number(schedule.get("steps", training.get("schedule_steps")))
    return {
        "name": run.name,
        "text": _words(texts.get("name", corpus.get("name"))),
        "characters": _number(texts.get("characters", corpus.get("characters"))),
        "train_characters": _number(texts.get("train_characters", corpus.get("train_characters"))),
        "cell": _words(config.get("cell")),
        "units": _number(config.get("units")),
        "minutes": _number(recipe.get("minutes")),
        "step": step,
        "steps": steps,
        "seconds": _number(progress.get("seconds")),
        "train_loss": _number(progress.get("train_loss")),
        "loss": _number(training.get("validation_loss_streamed")),
        "finished": step is not None and steps is not None and step >= steps,
        "model": layout.is_plain_file(run / layout.MODEL),
        "changed": _changed(run),
    }


def journal(run: Path, since: int, mark: str) -> Journal:
    """A run's metrics from a place on, or from the beginning where the file is another one than `mark` names.

    A line that is not whole yet is left for the next time; one that is no object is passed over.
    """
    lines: list[dict[str, Any]] = []
    path = run / layout.METRICS
    if not layout.is_plain_file(path):
        return Journal(lines, 0, "", False)
    try:
        with path.open("rb") as file:
            status = path.stat()
            now = f"{status.st_ino:x}"
            if mark != now or since > status.st_size:
                since = 0
            file.seek(since)
            piece = file.read(_PIECE)
    except OSError:
        return Journal(lines, 0, "", False)
    whole = piece[: piece.rfind(b"\n") + 1]
    for line in whole.splitlines():
        with suppress(ValueError, RecursionError):
            found = json.loads(line)
            if isinstance(found, dict):
                lines.append({name: value for name, value in found.items() if _plain(value)})
    return Journal(lines, since + len(whole), now, len(piece) == _PIECE)


def samples(run: Path) -> list[dict[str, Any]]:
    """The last samples that a run wrote, the oldest first; one that is not whole yet is left out."""
    path = run / layout.SAMPLES
    if not layout.is_plain_file(path):
        return []
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _SAMPLES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    found = [{"step": int(step), "text": sample} for step, sample in _SAMPLE.findall(text)]
    return found[-_LAST:]


def last_line(run: Path) -> str | None:
    """The last line of what a process of the page printed: where it failed, that says why."""
    path = run / LOG
    if not layout.is_plain_file(path):
        return None
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return None
    found = next((line.strip() for line in reversed(lines) if line.strip()), None)
    return None if found is None else found.removeprefix(_ERROR)[:500]


def _checkpoint(run: Path) -> dict[str, Any] | None:
    """What the newest checkpoint tells."""
    try:
        names = sorted(path.name for path in (run / layout.CHECKPOINTS).iterdir())
    except OSError:
        return None
    for name in reversed([name for name in names if layout.is_checkpoint_name(name)]):
        document = told(run / layout.CHECKPOINTS / name)
        if document is not None and document.get("kind") == "training state":
            return document
    return None


def _changed(run: Path) -> float | None:
    """When the run was last worked on, in seconds since 1970."""
    for name in (layout.METRICS, layout.MODEL, LOG):
        with suppress(OSError):
            return (run / name).stat().st_mtime
    return None


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: Any) -> float | None:
    return value if _plain(value) and isinstance(value, int | float) and not isinstance(value, bool) else None


def _words(value: Any) -> str | None:
    return value[:300] if isinstance(value, str) else None


def _plain(value: Any) -> bool:
    """Whether JSON has it as everyone reads it: a finite number, a text of some length, true or false."""
    if isinstance(value, float):
        return value - value == 0
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) < 1000)
