"""What the tests of the library in a notebook share: a text, and an undisturbed run to hold others against."""

from pathlib import Path
from typing import Any

import pytest

import understudy
from tests.runs.conftest import SMALL, some_text

SETTINGS: dict[str, Any] = {"preset": "tiny", **SMALL, "steps": 45}


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 20,000 characters."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(some_text(20_000), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def undisturbed(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that went to its end at once; not to be changed."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    understudy.train(text, out=out, quiet=True, **SETTINGS)
    return out


def model_bytes(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def open_below(*folders: Path) -> list[str]:
    """The files in some folders that this process has open, or mapped into memory."""
    found = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    found += [line.split(maxsplit=5)[5] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line]
    return [name for name in found if any(Path(name).is_relative_to(folder) for folder in folders)]
