"""Whoever is told to end says truly whether there is something to go on with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.conftest import SMALL
from tests.runs.helpers import finish
from understudy import storage
from understudy.runs import beginning, checkpoint, ownership
from understudy.runs.journal import Journal
from understudy.runs.material import TextOptions
from understudy.runs.request import Request
from understudy.runs.session import Session
from understudy.runs.whole_text import sessions


class Told(BaseException):
    """What a signal raises."""


def request(text: Path, out: Path, **more: object) -> Request:
    return Request(TextOptions((str(text),)), "tiny", SMALL | {"steps": 2}, out, **more)  # type: ignore[arg-type]


def tell_in(owner: object, name: str, monkeypatch: pytest.MonkeyPatch, *, after: bool = False) -> None:
    """Let a function be interrupted, before it does anything or when it is done."""
    real: Callable[..., object] = getattr(owner, name)

    def told(*arguments: object, **named: object) -> None:
        if after:
            real(*arguments, **named)
        raise Told

    monkeypatch.setattr(owner, name, told)


def interrupted(session: Session) -> Session:
    with pytest.raises(Told):
        for _ in session.prepare():
            pass
    return session


@pytest.mark.parametrize("overwrite", [False, True])
def test_before_its_first_checkpoint_there_is_nothing_to_go_on_with(
    overwrite: bool, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an old run is there: to go on with that is not what was asked for."""
    if overwrite:
        (old,) = sessions(request(text, tmp_path / "run"))
        for _ in old.prepare():
            pass
        finish(old)
        old.close()
    tell_in(checkpoint, "save", monkeypatch)
    session = interrupted(Session(request(text, tmp_path / "run", overwrite=overwrite)))
    assert not session.resumable
    assert session.folder.holds_checkpoint() == overwrite


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (storage, "sync_folder", False),
        (ownership, "replace_run", False),
        (ownership, "replace_run", True),
        (Journal, "take_up", False),
    ],
)
def test_from_its_first_checkpoint_on_there_is(
    owner: object, name: str, after: bool, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        tell_in(owner, name, patch, after=after)
        session = interrupted(Session(request(text, tmp_path / "run")))
    assert session.resumable
    again = Session(Request(None, None, {}, tmp_path / "run", resume=True))
    for _ in again.prepare():
        pass
    finish(again)
    assert again.finished
    again.close()


def test_a_second_part_that_has_not_begun_is_gone_on_with_too(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = sessions(request(text, tmp_path / "run", whole_text=True))
    first = next(both)
    for _ in first.prepare():
        pass
    finish(first)
    first.close()
    second = next(both)
    with monkeypatch.context() as patch:
        tell_in(beginning, "prepare", patch)
        interrupted(second)
    assert second.resumable
    wanted = Request(None, None, {}, tmp_path / "run", resume=True)
    for session in sessions(wanted):
        for _ in session.prepare():
            pass
        finish(session)
        session.close()
    assert (tmp_path / "run" / "model.safetensors").is_file()
