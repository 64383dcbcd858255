"""What a run folder looks like, for everyone who meets one: the names in it, and how it is recognised."""

import re
import stat
from contextlib import suppress
from pathlib import Path

MODEL = "model.safetensors"
METRICS, SAMPLES = "metrics.jsonl", "samples.txt"
REPORT = "report.html"
LOCK = ".lock"
BOARD = "tensorboard"
CHECKPOINTS = "checkpoint"
BEGUN = "begun.safetensors"
"""Among the checkpoints: the first one of a run that takes another's place, until the other has gone."""
HELD_BACK = "held-back"
"""The folder of the first run of two, in the second's own (`runs/whole_text.py`)."""
_CHECKPOINT = re.compile(r"step-\d{12}\.safetensors")


def checkpoint_name(step: int) -> str:
    """The name of the checkpoint that was written when so many steps were done."""
    return f"step-{step:012d}.safetensors"


def is_checkpoint_name(name: str) -> bool:
    """Whether a file of that name in the folder of checkpoints is one."""
    return name == BEGUN or _CHECKPOINT.fullmatch(name) is not None


def is_run_folder(path: Path) -> bool:
    """Whether a folder is a run's: it has checkpoints, or a model with its metrics. Nothing is opened."""
    with suppress(OSError, ValueError):  # ValueError: a NUL in the name
        if any(is_checkpoint_name(entry.name) for entry in (path / CHECKPOINTS).iterdir()):
            return True
    return is_plain_file(path / MODEL) and is_plain_file(path / METRICS)


def is_plain_file(path: Path) -> bool:
    """Whether there is a file of that name: no link, no folder, no device. What cannot be looked at is none."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
