"""A folder that another process is just changing is refused for that reason, not for what it looks like meanwhile."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.runs.conftest import SMALL
from tests.runs.fuzzing import contents
from understudy.errors import ConfigError
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session


def half_replaced(run: Path) -> None:
    """As between the new run's first line and what its next checkpoint tells of it."""
    run.mkdir()
    (run / "metrics.jsonl").write_text("what no checkpoint tells of")


def begun(run: Path) -> None:
    (run / "checkpoint").mkdir(parents=True)
    (run / "model.safetensors").write_bytes(b"")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("look", [half_replaced, begun])
def test_a_folder_that_is_held_is_said_to_be(
    look: Callable[[Path], None], overwrite: bool, text: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    look(run)
    session = Session(Request(TextOptions((str(text),)), "tiny", SMALL, run, overwrite=overwrite))
    with FileLock(run / ".lock"):
        before = contents(run)
        with pytest.raises(ConfigError, match="another process is training in this folder"):
            list(session.prepare())
        assert contents(run) == before


def test_a_file_of_the_users_by_the_name_of_the_lock_is_not_opened_for_writing(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    half_replaced(run)
    (run / ".lock").write_text("what the user wrote")
    session = Session(Request(TextOptions((str(text),)), "tiny", SMALL, run, overwrite=True))
    with pytest.raises(ConfigError, match="move it away"):
        list(session.prepare())
    assert (run / ".lock").read_text() == "what the user wrote"
